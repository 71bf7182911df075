// Safety numbers as they are shown and pasted; who could be mistaken for whom.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isolate } from "../../../ui/lib/i18n.js";
import { rows, tidy } from "../../../ui/lib/safety.js";
import { doubleOf, memberOf } from "../../../ui/stores/select.js";

const number = Array.from({ length: 12 }, (_, i) => String(10_000 + i)).join(" ");

test("a safety number stands in three rows of four groups", () => {
  assert.deepEqual(rows(number).map((row) => row.length), [4, 4, 4]);
  assert.equal(rows(` ${number}\n`).flat().join(" "), number);
});

test("a pasted code is found among words, digits between dashes and in other scripts are digits", () => {
  const code = `natter://verify#${"ab".repeat(32)}${"1".repeat(60)}`;
  assert.equal(tidy(`Here: ${code}, bye`), code);
  assert.equal(tidy(number.replaceAll(" ", "\u2011")), number);
  assert.equal(tidy(`\u2068${number.replaceAll(" ", "\n")}\u2069`), number);
  assert.equal(tidy("１２３"), "123");
  assert.equal(tidy(" \n"), "");
});

test("who looks like somebody is in doubt until verified; oneself never is", () => {
  const ada = { device: "a", name: "Ada", own: false, verified: false, looksLike: null };
  /** @param {object} more @returns {any} */
  const other = (more) => ({ device: "b", name: "Аda", own: false, verified: false, looksLike: "a", ...more });
  /** @type {any} */
  const room = { members: [other({})], former: [ada] };
  assert.equal(doubleOf(room, memberOf(room, "b"))?.name, "Ada");
  assert.equal(doubleOf(room, memberOf(room, "a")), null);
  assert.equal(doubleOf(room, other({ verified: true })), null);
  assert.equal(doubleOf(room, other({ own: true })), null);
  assert.equal(doubleOf(room, null), null);
  assert.equal(memberOf(null, "a"), null);
});

// A name that ended in U+202E had the warning about it read backwards.
test("no sign in a name turns the sentence around it", () => {
  assert.equal(isolate("Ada\u202e"), "Ada");
  assert.equal(isolate("\u2069\u202eאדה"), "\u2068אדה\u2069");
  assert.equal(isolate("Zoë 👩\u200d👧"), "Zoë 👩\u200d👧");
});
