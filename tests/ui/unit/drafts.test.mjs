// What is half written: kept soon, once, and never the change of a message that is there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { app } from "../../../ui/stores/app.js";
import { KEEP_AFTER_MS, MAX_TEXT_BYTES, draftOf, keep, keepAll, keepSoon } from "../../../ui/stores/drafts.js";

/** @type {any[]} */
let sent = [];
let refuse = false;
/** @type {any} */ (app).send = async (/** @type {any} */ command) => {
  sent.push([command.room, command.text]);
  if (refuse) throw { code: "linkLost" };
  return { type: "done" };
};
const settled = () => new Promise((resolve) => setImmediate(resolve));
/** @param {string} room @param {string | null} [kept] */
const fresh = (room, kept) => ((sent = []), (refuse = false), draftOf(room, kept));

test("a draft is kept once the keys rest, and not again while it is the same", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const draft = fresh("a");
  for (const text of ["h", "hi", "hi there"]) {
    draft.text = text;
    keepSoon("a");
    t.mock.timers.tick(KEEP_AFTER_MS - 1);
  }
  assert.deepEqual(sent, []);
  t.mock.timers.tick(1);
  assert.deepEqual(sent, [["a", "hi there"]]);
  keep("a");
  assert.equal(sent.length, 1);
  draft.text = "  ";
  keep("a");
  assert.deepEqual(sent[1], ["a", ""]);
});

test("what the backend kept is there again, and is not told back to it", () => {
  const draft = fresh("b", "from before");
  assert.equal(draft.text, "from before");
  keep("b");
  assert.deepEqual(sent, []);
  assert.equal(draftOf("b", "other"), draft);
});

test("an edit is no draft: what it put aside is", () => {
  const draft = fresh("c");
  Object.assign(draft, { text: "new wording", editing: { message: "m", kept: { text: "put aside", mentions: [], replyTo: null } } });
  keep("c");
  assert.deepEqual(sent, [["c", "put aside"]]);
});

test("no more than may be is kept, without half a character, and a lost link is made good with the next key", async () => {
  const draft = fresh("d");
  draft.text = `a${"é".repeat(MAX_TEXT_BYTES)}`;
  refuse = true;
  keep("d");
  await settled();
  const [, text] = sent[0];
  assert.ok(new TextEncoder().encode(text).length <= MAX_TEXT_BYTES);
  assert.ok(draft.text.startsWith(text));
  refuse = false;
  keep("d");
  assert.equal(sent.length, 2);
});

test("when the page goes, nothing waits any longer", () => {
  const draft = fresh("e");
  draft.text = "in a hurry";
  keepSoon("e");
  keepAll();
  assert.deepEqual(sent, [["e", "in a hurry"]]);
});
