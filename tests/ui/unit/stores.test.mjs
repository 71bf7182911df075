// How changes move the state.
import assert from "node:assert/strict";
import { test } from "node:test";
import { App } from "../../../ui/stores/app.js";
import { INITIAL, MAX_TROUBLES, addTrouble, applyChange, applyEvent } from "../../../ui/stores/state.js";
import * as timeline from "../../../ui/stores/timeline.js";
import { PortError } from "../../../ui/backend/port.js";

/** @param {number} n @param {object} [more] @returns {any} */
const message = (n, more) => ({ id: `m${n}`, order: String(n).padStart(4, "0"), author: "a", own: true, elsewhere: false, time: n, body: { type: "text", text: String(n) }, replyTo: null, edited: null, reactions: [], pinned: false, expires: null, namesMe: false, delivery: null, ...more });
/** @param {string} id @param {object} [more] @returns {any} */
const room = (id, more) => ({ id, name: id, standing: "member", role: "member", members: [], former: [], requests: [], invites: [], last: null, unread: 0, firstUnread: null, draft: null, unheld: 0, about: "", lives: 0, ...more });
const ids = (/** @type {timeline.Timeline} */ t) => t.messages.map((m) => m.id).join(" ");

test("events apply in step; an old one is known, a missed one shows as a gap", () => {
  const state = { ...INITIAL, rev: 4 };
  const change = /** @type {const} */ ({ type: "phase", phase: "ready" });
  assert.equal(applyEvent(state, { rev: 4, change }).outcome, "known");
  assert.equal(applyEvent(state, { rev: 6, change }).outcome, "gap");
  const next = applyEvent(state, { rev: 5, change });
  assert.deepEqual([next.outcome, next.state.rev, next.state.phase], ["applied", 5, "ready"]);
});

test("what others are told is what the backend says; a reread leaves the state to whoever loads", () => {
  const privacy = { receipts: false, typing: true };
  assert.equal(applyChange(INITIAL, { type: "privacy", privacy }).privacy, privacy);
  assert.equal(applyChange(INITIAL, { type: "reread", room: "r" }), INITIAL);
});

test("the room with the newest message comes first", () => {
  let state = { ...INITIAL, rooms: [room("a", { last: message(5) }), room("b", { last: message(3) })] };
  state = applyChange(state, { type: "room", room: room("b", { last: message(9) }) });
  assert.deepEqual(state.rooms.map((r) => r.id), ["b", "a"]);
  state = applyChange(state, { type: "roomRemoved", room: "b" });
  assert.deepEqual(state.rooms.map((r) => r.id), ["a"]);
});

test("a message stands where its order says, once, and one above the loaded stretch waits for its page", () => {
  let t = { messages: [message(10), message(30)], more: true, newer: false, stale: false };
  t = timeline.insert(t, message(20));
  t = timeline.insert(t, message(20, { text: "again" }));
  t = timeline.insert(t, message(40));
  assert.equal(ids(t), "m10 m20 m30 m40");
  assert.equal(timeline.insert(t, message(5)), t);
  assert.equal(ids(timeline.insert({ ...t, more: false }, message(5))), "m5 m10 m20 m30 m40");
  assert.equal(ids(timeline.insert(t, { ...message(10), order: "0035" })), "m20 m30 m10 m40");
  assert.equal(ids(timeline.prepend(t, [message(5), message(10)], false)), "m5 m10 m20 m30 m40");
});

test("deliveries and blobs touch only what they name", () => {
  const picture = message(2, { body: { type: "picture", caption: "", picture: { blob: "x", transfer: { type: "offered" } } } });
  const t = { messages: [message(1), picture], more: false, newer: false, stale: false };
  const delivery = /** @type {const} */ ({ state: "heldByAll", heldBy: ["b"], readBy: [], of: 1 });
  const delivered = timeline.deliver(t, { m1: delivery });
  assert.equal(delivered.messages[0].delivery, delivery);
  assert.equal(delivered.messages[1], picture);
  assert.equal(timeline.deliver(t, { other: delivery }), t);
  const here = timeline.transfer(t, { blob: "x", transfer: { type: "here" } });
  assert.equal(here.messages[1].body.type === "picture" && here.messages[1].body.picture.transfer.type, "here");
  assert.equal(timeline.transfer(t, { blob: "y", transfer: { type: "here" } }), t);
});

// The dialog that followed a knock closed without opening the room when `admitted` came a moment before it.
test("a knock that ended well stays until its room is there; one given up goes, a refused one stays to be read", () => {
  const join = (/** @type {any} */ progress) => ({ type: /** @type {const} */ ("join"), join: { room: "r", roomName: "R", progress } });
  let state = applyChange(INITIAL, join("connecting"));
  state = applyChange(state, join("declined"));
  assert.deepEqual(state.joins.map((j) => j.progress), ["declined"]);
  assert.equal(applyChange(state, join("cancelled")).joins.length, 0);
  const admitted = applyChange(state, join("admitted"));
  assert.deepEqual(admitted.joins.map((j) => j.progress), ["admitted"]);
  assert.equal(applyChange(admitted, { type: "room", room: room("r") }).joins.length, 0);
  assert.equal(applyChange(applyChange(state, { type: "room", room: room("r") }), join("admitted")).joins.length, 0);
});

// The banner of a full disk stayed after the profile had opened.
test("what kept a profile shut is forgotten once it opens, and only then", () => {
  const broken = { ...INITIAL, phase: /** @type {const} */ ("broken"), troubles: [/** @type {any} */ ({ code: "diskFull", message: "" })] };
  assert.equal(applyChange(broken, { type: "phase", phase: "broken" }).troubles.length, 1);
  assert.equal(applyChange(broken, { type: "phase", phase: "ready" }).troubles.length, 0);
  assert.equal(applyChange({ ...broken, phase: "locked" }, { type: "phase", phase: "ready" }).troubles.length, 1);
});

test("troubles are kept once each, and not without end", () => {
  let state = INITIAL;
  for (let i = 0; i < 20; i++) state = addTrouble(state, /** @type {any} */ ({ code: `c${i}`, message: "" }));
  state = addTrouble(state, /** @type {any} */ ({ code: "c19", message: "" }));
  assert.equal(state.troubles.length, MAX_TROUBLES);
});

/** A port that answers as it is told. @param {(command: any) => any} answer */
function connected(answer) {
  const app = new App();
  /** @type {any} */
  const listener = {};
  const port = { connect: async (/** @type {any} */ given) => void Object.assign(listener, given), send: async (/** @type {any} */ command) => answer(command) };
  return { app, listener, ready: app.connect(/** @type {any} */ (port)) };
}
const snapshot = (/** @type {object} */ more) => ({ ...INITIAL, version: "1", phase: "ready", ...more });
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a gap brings a new snapshot, and what came meanwhile is applied after it", async () => {
  /** @type {(reply: any) => void} */
  let reply = () => {};
  const { app, listener, ready } = connected((command) => (command.type === "snapshot" ? new Promise((resolve) => (reply = resolve)) : { type: "done" }));
  await ready;
  listener.snapshot(snapshot({ rev: 1 }));
  listener.event({ rev: 3, change: { type: "room", room: room("late") } });
  listener.event({ rev: 5, change: { type: "room", room: room("next") } });
  await settled();
  reply({ type: "snapshot", snapshot: snapshot({ rev: 4, rooms: [room("late")] }) });
  await settled();
  assert.deepEqual(app.state.value.rooms.map((r) => r.id), ["late", "next"]);
  assert.equal(app.state.value.rev, 5);
});

test("whatever was thrown has a code", () => {
  assert.equal(PortError.from({ code: "diskFull", message: "x" }).code, "diskFull");
  assert.equal(PortError.from("text").code, "internal");
  assert.equal(PortError.from(null).code, "internal");
});
