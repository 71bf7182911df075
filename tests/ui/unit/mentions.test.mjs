// Naming people while writing: who is offered, and where the names stand, counted as the API counts (UTF-16).
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_OFFERED, asked, find, offer, shift, trimmed } from "../../../ui/lib/mentions.js";

const people = ["Bea Lindqvist", "Beatrix", "Tomás", "نور الهدى", "Big 😀 Ben"].map((name, i) => ({ device: `d${i}`, name }));
const at = (/** @type {string} */ text, /** @type {string} */ name, device = "d0") => ({ device, start: text.indexOf(`@${name}`), length: name.length + 1 });

test("an @ asks at the beginning of a word only, up to the caret", () => {
  assert.deepEqual(asked("hi @be", 6), { start: 3, word: "be" });
  assert.deepEqual(asked("hi @Bea Li and more", 10), { start: 3, word: "Bea Li" });
  assert.deepEqual(asked("@", 1), { start: 0, word: "" });
  assert.deepEqual(asked("(@t", 3), { start: 1, word: "t" });
  assert.deepEqual(asked("😀 @t", 5), { start: 3, word: "t" });
  assert.equal(asked("bea@example.org", 15), null);
  assert.equal(asked("@one\ntwo", 8), null);
  assert.equal(asked(`@${"x".repeat(60)}`, 61), null);
});

test("offered are names that begin so, then those with such a word, without regard to accents", () => {
  assert.deepEqual(offer(people, "be").map((p) => p.name), ["Bea Lindqvist", "Beatrix", "Big 😀 Ben"]);
  assert.deepEqual(offer(people, "lind").map((p) => p.name), ["Bea Lindqvist"]);
  assert.deepEqual(offer(people, "tomas").map((p) => p.name), ["Tomás"]);
  assert.deepEqual(offer(people, "zz"), []);
  assert.equal(offer(Array.from({ length: 50 }, (_, i) => ({ device: `${i}`, name: `Bea ${i}` })), "b").length, MAX_OFFERED);
});

test("names keep their place while the words around them move, and are let go when they are changed", () => {
  const text = "hi @Tomás and @Bea Lindqvist!";
  const both = [at(text, "Tomás", "d2"), at(text, "Bea Lindqvist")];
  const moved = (/** @type {string} */ after) => shift(both, text, after).map((m) => after.slice(m.start, m.start + m.length));
  assert.deepEqual(moved(`😀😀 ${text}`), ["@Tomás", "@Bea Lindqvist"]);
  assert.deepEqual(moved("hi @Tomás, @Bea Lindqvist!"), ["@Tomás", "@Bea Lindqvist"]);
  assert.deepEqual(moved(`${text} yes`), ["@Tomás", "@Bea Lindqvist"]);
  assert.deepEqual(moved("hi @Tomá and @Bea Lindqvist!"), ["@Bea Lindqvist"]);
  assert.deepEqual(moved("hi !"), []);
  assert.deepEqual(moved(""), []);
});

test("whatever is done to a text, a name that is left stands for itself", () => {
  let seed = 7;
  const random = (/** @type {number} */ n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let round = 0; round < 400; round++) {
    let text = "ab @Tomás cd @Bea Lindqvist ef 😀 @Beatrix";
    let mentions = [at(text, "Tomás", "d2"), at(text, "Bea Lindqvist"), at(text, "Beatrix", "d1")];
    for (let step = 0; step < 6; step++) {
      const from = random(text.length + 1), to = Math.min(text.length, from + random(6));
      const next = text.slice(0, from) + ["", "x", "@", " yz", "Bea"][random(5)] + text.slice(to);
      mentions = shift(mentions, text, next);
      text = next;
      let end = 0;
      for (const { device, start, length } of mentions) {
        assert.equal(text.slice(start, start + length), `@${people[Number(device[1])].name}`);
        assert.ok(start >= end);
        end = start + length;
      }
    }
  }
});

test("a draft that comes back names whom it says, unless two are called so", () => {
  const text = "@Beatrix and @Bea Lindqvist, not @Bea or a@Tomáss";
  assert.deepEqual(find(text, people).map((m) => m.device), ["d1", "d0"]);
  assert.deepEqual(find("@Twin", [{ device: "a", name: "Twin" }, { device: "b", name: "Twin" }]), []);
  assert.deepEqual(find("@Big 😀 Ben!", people), [{ device: "d4", start: 0, length: 11 }]);
});

test("what is sent has no empty edges, and its names stand where they stand then", () => {
  const text = "\n\n@Tomás  ";
  assert.deepEqual(trimmed(text, [at(text, "Tomás", "d2")]), { text: "@Tomás", mentions: [{ device: "d2", start: 0, length: 6 }] });
  assert.deepEqual(trimmed("    indented", []), { text: "    indented", mentions: [] });
  assert.deepEqual(trimmed(" \n ", []), { text: "", mentions: [] });
});
