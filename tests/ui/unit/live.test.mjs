// Who types, and what is pinned.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_TYPING, TYPING_MS, TypingStore } from "../../../ui/stores/typing.js";
import { PinStore } from "../../../ui/stores/pins.js";

/** @param {string} id @param {object} [more] @returns {any} */
const message = (id, more) => ({ id, author: "ben", edited: null, pinned: true, ...more });

test("typing ends after its time, with a message, not with an edit, and is bounded", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const typing = new TypingStore();
  const heard = (/** @type {string} */ device) => typing.take({ type: "typing", room: "r", device });
  heard("ben");
  heard("ada");
  t.mock.timers.tick(TYPING_MS - 1);
  assert.deepEqual(typing.value.r, ["ben", "ada"]);
  heard("ada");
  t.mock.timers.tick(1);
  assert.deepEqual(typing.value.r, ["ada"]);
  heard("ben");
  typing.take({ type: "message", room: "r", message: message("m", { edited: 4 }) });
  assert.deepEqual(typing.value.r, ["ada", "ben"]);
  typing.take({ type: "message", room: "r", message: message("m") });
  assert.deepEqual(typing.value.r, ["ada"]);
  for (let i = 0; i < 40; i++) heard(`d${i}`);
  assert.equal(typing.value.r.length, MAX_TYPING);
  typing.take({ type: "roomRemoved", room: "r" });
  assert.deepEqual(typing.value.r, []);
});

test("pins are read once, follow their messages, and are read again when one is added", async () => {
  let all = [message("a"), message("b")];
  let read = 0;
  const pins = new PinStore(async () => ((read += 1), [...all]));
  pins.take({ type: "message", room: "r", message: message("c") });
  assert.equal(read, 0);
  await pins.load("r");
  pins.take({ type: "message", room: "r", message: message("a", { edited: 5 }) });
  assert.deepEqual(pins.value.r.map((m) => m.edited), [5, null]);
  pins.take({ type: "message", room: "r", message: message("a", { pinned: false }) });
  assert.deepEqual(pins.value.r.map((m) => m.id), ["b"]);
  all = [message("c"), message("b")];
  await pins.take({ type: "message", room: "r", message: message("c") });
  assert.deepEqual([pins.value.r.map((m) => m.id), read], [["c", "b"], 2]);
  all = [message("b")];
  await pins.take({ type: "reread", room: "r" });
  await pins.take({ type: "reread", room: "other" });
  assert.deepEqual([pins.value.r.map((m) => m.id), read], [["b"], 3]);
  const first = pins.load("r");
  all = [message("d")];
  pins.load("r");
  await first;
  assert.deepEqual([pins.value.r.map((m) => m.id), read], [["d"], 5]);
});
