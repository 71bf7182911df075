// Timelines page by page: joined without holes, at both ends, whatever comes meanwhile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { App } from "../../../ui/stores/app.js";
import { PAGE } from "../../../ui/stores/pages.js";
import { INITIAL } from "../../../ui/stores/state.js";
import * as timeline from "../../../ui/stores/timeline.js";

/** @param {number} n @param {object} [more] @returns {any} */
const message = (n, more) => ({ id: `m${n}`, order: String(n).padStart(4, "0"), author: "a", own: false, elsewhere: false, time: n, body: { type: "text", text: String(n), mentions: [] }, replyTo: null, edited: null, reactions: [], pinned: false, expires: null, namesMe: false, delivery: null, ...more });
const settled = () => new Promise((resolve) => setImmediate(resolve));
const ids = (/** @type {timeline.Timeline} */ t) => t.messages.map((m) => m.id);
const span = (/** @type {number} */ from, /** @type {number} */ to) => Array.from({ length: to - from }, (_, i) => `m${from + i}`);

/** A room of `count` messages behind a port that answers a moment later. @param {number} count */
async function room(count) {
  const all = Array.from({ length: count }, (_, i) => message(i));
  const app = new App();
  /** @type {any} */
  const listener = {};
  const world = { asked: 0, rev: 1 };
  const send = async (/** @type {any} */ { before, after, around, limit }) => {
    world.asked += 1;
    const at = (/** @type {string} */ id) => all.findIndex((m) => m.id === id);
    if (around && at(around) < 0) throw { code: "noSuchMessage", message: "" };
    const [start, end] = before ? [at(before) - limit, at(before)] : after ? [at(after) + 1, at(after) + 1 + limit] : around ? [at(around) - (limit >> 1), at(around) + (limit >> 1)] : [all.length - limit, all.length];
    const [from, to] = [Math.max(0, start), Math.min(all.length, end)];
    const reply = { type: "timeline", messages: all.slice(from, to), more: from > 0, newer: to < all.length };
    await settled();
    return reply;
  };
  await app.connect(/** @type {any} */ ({ connect: async (/** @type {any} */ given) => void Object.assign(listener, given), send }));
  const rooms = [{ id: "r", name: "r", members: [], last: message(count - 1) }];
  listener.snapshot({ ...INITIAL, version: "1", phase: "ready", rev: 1, rooms });
  const hear = (/** @type {any} */ one) => {
    const at = all.findIndex((m) => m.id === one.id);
    if (at >= 0) all[at] = one;
    else all.push(one);
    listener.event({ rev: ++world.rev, change: { type: "message", room: "r", message: one } });
  };
  /** From now on only these are shown. @param {(m: any) => boolean} shown */
  const show = (shown) => {
    all.splice(0, all.length, ...all.filter(shown));
    listener.event({ rev: ++world.rev, change: { type: "reread", room: "r" } });
  };
  const resync = () => listener.snapshot({ ...INITIAL, version: "1", phase: "ready", rev: ++world.rev, rooms });
  return { app, world, hear, show, resync, get: () => app.state.value.timelines.r };
}

test("pages load without holes, one at a time, and a message that comes meanwhile is kept", async () => {
  const { app, world, hear, get } = await room(150);
  await Promise.all([app.open("r"), app.open("r")]);
  assert.equal(world.asked, 1);
  const older = app.loadOlder("r");
  hear(message(150));
  await older;
  assert.deepEqual(ids(get()), span(30, 151));
  await app.loadOlder("r");
  assert.deepEqual([ids(get()), get().more, get().newer], [span(0, 151), false, false]);
});

test("a message comes while the first page is on its way", async () => {
  const { app, hear, get } = await room(150);
  const open = app.open("r");
  hear(message(150));
  await open;
  assert.deepEqual(ids(get()), span(90, 151));
});

test("a message far away is loaded with what stands around it; reading on joins both ends", async () => {
  const { app, world, hear, get } = await room(500);
  await app.open("r");
  assert.equal(await app.seek("r", "m200"), true);
  assert.equal(world.asked, 2);
  assert.deepEqual([ids(get()), get().more, get().newer], [span(170, 230), true, true]);
  hear(message(500));
  assert.deepEqual(ids(get()), span(170, 230));
  hear(message(201, { edited: 9 }));
  hear(message(3, { edited: 9 }));
  assert.deepEqual(ids(get()), span(170, 230));
  assert.equal(get().messages[31].edited, 9);
  await app.loadOlder("r");
  while (get().newer) await app.loadNewer("r");
  assert.deepEqual(ids(get()), span(110, 501));
  hear(message(501));
  assert.equal(ids(get()).at(-1), "m501");
});

test("a message comes while the last newer page is on its way", async () => {
  const { app, hear, get } = await room(100);
  await app.open("r");
  await app.seek("r", "m20");
  const load = app.loadNewer("r");
  hear(message(100));
  await load;
  assert.deepEqual([ids(get()), get().newer], [span(0, 101), false]);
});

test("back to the newest from far away; nothing is read when it is there", async () => {
  const { app, world, get } = await room(500);
  await app.open("r");
  await app.seek("r", "m9");
  await app.loadNewest("r");
  assert.deepEqual([ids(get()), get().newer], [span(500 - PAGE, 500), false]);
  const { asked } = world;
  await app.loadNewest("r");
  assert.equal(world.asked, asked);
});

test("a message that is nowhere leaves the timeline as it was", async () => {
  const { app, get } = await room(100);
  await app.open("r");
  const before = get();
  await assert.rejects(app.seek("r", "nowhere"));
  assert.equal(get(), before);
});

test("after a resync the same stretch is read again, at the newest and in the middle", async () => {
  const { app, resync, get } = await room(500);
  await app.open("r");
  await app.loadOlder("r");
  resync();
  await app.pages.rest("r");
  assert.deepEqual([ids(get()), get().stale], [span(380, 500), false]);
  await app.seek("r", "m100");
  resync();
  assert.equal(get().stale, true);
  await app.pages.rest("r");
  assert.ok(["m70", "m100", "m129"].every((id) => ids(get()).includes(id)));
  assert.equal(get().newer, true);
});

// A reaction to an old message far above what is loaded was read out as new, and an own one scrolled to the end.
test("only what was not there before is news", async () => {
  const { app, hear } = await room(200);
  /** @type {string[]} */
  const told = [];
  app.news.addEventListener("message", (event) => told.push(/** @type {CustomEvent} */ (event).detail.message.id));
  await app.open("r");
  hear(message(10, { own: true, edited: 5 }));
  hear(message(190, { edited: 5 }));
  hear(message(200));
  hear(message(200, { edited: 5 }));
  await app.seek("r", "m20");
  hear(message(201));
  hear(message(201, { edited: 5 }));
  assert.deepEqual(told, ["m200", "m201"]);
});

test("when other messages are shown, what is loaded is read again, also what was on its way", async () => {
  const { app, show, get } = await room(150);
  const open = app.open("r");
  show((m) => m.time % 2 === 0);
  await open;
  await settled();
  await app.pages.rest("r");
  assert.deepEqual(ids(get()), span(30, 150).filter((_, i) => i % 2 === 0));
});

test("the place in the history is kept though the message at its end is hidden", async () => {
  const { app, world, show, hear, get } = await room(400);
  hear({ ...message(129), author: "b" });
  await app.seek("r", "m100");
  assert.equal(get().messages.at(-1)?.id, "m129");
  show((m) => m.author !== "b");
  await settled();
  await app.pages.rest("r");
  assert.ok(app.knows("r", "m100") && !app.knows("r", "m129") && get().newer);
  const { asked } = world;
  show(() => true);
  show(() => true);
  await settled();
  await app.pages.rest("r");
  assert.ok(world.asked - asked <= 8, `${world.asked - asked}`);
  assert.deepEqual(await new App().pages.reread("r"), undefined, "a room that was never opened is not read");
});
