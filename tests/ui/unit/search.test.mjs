// What a search asks, and what it marks in what it found.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_SNIPPET, hits, snippet, wordsOf } from "../../../ui/lib/highlight.js";
import { MAX_QUERY_BYTES, REST_MS, Search } from "../../../ui/stores/search.js";

const marked = (/** @type {string} */ text, /** @type {string} */ query) => hits(text, wordsOf(query)).map(({ start, end }) => text.slice(start, end));
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("words that begin so are marked, without regard to case and accents, nothing in the middle of a word", () => {
  assert.deepEqual(marked("The Saw, a saw; a seesaw and sawdust", "SAW"), ["Saw", "saw", "saw"]);
  assert.deepEqual(marked("Übermut im Café, cafeteria", "cafe uber"), ["Über", "Café", "cafe"]);
  assert.deepEqual(marked("e\u0301te\u0301 is one word", "ete"), ["e\u0301te\u0301"]);
  assert.deepEqual(marked("a sawmill", "s saw sawm"), ["sawm"]);
  assert.deepEqual(marked("سأصل مساء الجمعة", "مسا"), ["مسا"]);
  assert.deepEqual(marked("anything", " .,! "), []);
});

test("a preview begins near the first hit, ends in time, and loses nothing of a character", () => {
  const far = `${"word ".repeat(100)}needle ${"tail ".repeat(100)}`;
  const parts = snippet(far, "needle");
  assert.equal(parts.filter((p) => p.hit).map((p) => p.text).join(), "needle");
  assert.equal(parts[0].text, "…");
  assert.equal(parts.at(-1)?.text, "…");
  assert.ok(parts.map((p) => p.text).join("").length <= MAX_SNIPPET + 2);
  assert.equal(snippet("short words", "short").map((p) => p.text).join(""), "short words");
  for (let i = 0; i < 6; i++) for (const { text } of snippet(`${"😀".repeat(200)}${" ".repeat(i)}needle ${"😀".repeat(200)}`, "needle")) assert.ok(text.isWellFormed());
  assert.ok(snippet(`${"x".repeat(5000)} y`, "y").some((p) => p.hit));
});

test("a question is asked once typing rests, cut to what may be asked", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {any[]} */
  const asked = [];
  const search = new Search(async (command) => (asked.push(command), /** @type {any} */ ({ type: "found", hits: [], next: null })));
  for (const typed of ["n", "ne", "nee ", "nee"]) search.ask(typed, "r");
  t.mock.timers.tick(REST_MS);
  assert.deepEqual(asked.map((c) => [c.query, c.room]), [["nee", "r"]]);
  search.ask("?!", "r");
  t.mock.timers.tick(REST_MS);
  assert.deepEqual([asked.length, search.value.phase], [1, "idle"]);
  const long = Search.clean(`${"é".repeat(MAX_QUERY_BYTES)}`);
  assert.equal(new TextEncoder().encode(long).length, MAX_QUERY_BYTES);
  assert.ok(!long.includes("\ufffd"));
  assert.ok(!Search.clean(`a${"é".repeat(MAX_QUERY_BYTES)}`).includes("\ufffd"));
});

test("an answer to an older question is not shown, pages add up, a refusal keeps what was found", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  /** @type {{resolve: (reply: any) => void, reject: (error: any) => void}[]} */
  const waiting = [];
  const search = new Search(() => new Promise((resolve, reject) => waiting.push({ resolve, reject })));
  const hit = (/** @type {string} */ room) => /** @type {any} */ ({ room, message: {} });
  search.ask("one", null);
  t.mock.timers.tick(REST_MS);
  search.ask("two", null);
  t.mock.timers.tick(REST_MS);
  waiting[1].resolve({ type: "found", hits: [hit("b")], next: "1" });
  waiting[0].resolve({ type: "found", hits: [hit("a")], next: null });
  await settled();
  assert.deepEqual(search.value.hits.map((h) => h.room), ["b"]);
  const more = search.more();
  waiting[2].resolve({ type: "found", hits: [hit("c")], next: "2" });
  await more;
  assert.deepEqual(search.value.hits.map((h) => h.room), ["b", "c"]);
  const refused = search.more();
  waiting[3].reject({ code: "diskFailed" });
  await refused;
  assert.deepEqual([search.value.phase, search.value.hits.length, search.value.next], ["failed", 2, null]);
});
