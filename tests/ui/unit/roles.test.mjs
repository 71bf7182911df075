// Who may do what, and how what happened is said.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { setWords } from "../../../ui/lib/i18n.js";
import { dayStart, duration, isoDay } from "../../../ui/lib/format.js";
import { isAdmin, mayInvite, mayManage, unheld } from "../../../ui/stores/select.js";
import { isSystem, toRows } from "../../../ui/lib/rows.js";

setWords("en", JSON.parse(await readFile(new URL("../../../ui/locales/en.json", import.meta.url), "utf8")));
/** @param {string} role @param {object} [more] @returns {any} */
const room = (role, more) => ({ standing: "member", role, members: [{ own: true }, { own: false }], unheld: 2, ...more });
/** @param {string} role @param {boolean} [own] @returns {any} */
const member = (role, own = false) => ({ role, own });

test("each role may do what it may, and nobody out of the room anything", () => {
  const may = (/** @type {any} */ where) => [mayInvite(where), isAdmin(where), mayManage(where, member("admin"))];
  assert.deepEqual(may(room("guest")), [false, false, false]);
  assert.deepEqual(may(room("member")), [true, false, false]);
  assert.deepEqual(may(room("admin")), [true, true, true]);
  assert.deepEqual(may(room("creator")), [true, true, true]);
  assert.deepEqual(may(room("creator", { standing: "gone" })), [false, false, false]);
  assert.equal(mayManage(room("admin"), member("creator")), false);
  assert.equal(mayManage(room("admin"), member("admin", true)), false);
});

test("what only this device has counts where there is somebody to have it", () => {
  assert.equal(unheld(room("member")), 2);
  assert.equal(unheld(room("member", { members: [{ own: true }] })), 0);
  assert.equal(unheld(room("member", { standing: "gone" })), 0);
});

test("a length of time is said in the largest unit that is exact", () => {
  assert.deepEqual([1, 90, 1800, 3600, 86_400, 604_800, 28 * 86_400, 90 * 86_400, 0].map(duration), ["1 second", "90 seconds", "30 minutes", "1 hour", "1 day", "1 week", "4 weeks", "90 days", "0 seconds"]);
});

test("a day of a date field is the local one, also where the clock is changed", () => {
  for (const ms of [Date.UTC(2026, 2, 29, 12), Date.UTC(2026, 9, 25, 12), Date.UTC(2024, 1, 29, 12)]) {
    const start = dayStart(isoDay(ms)) ?? Number.NaN;
    assert.equal(new Date(start).getHours(), 0);
    assert.equal(isoDay(start), isoDay(ms));
  }
  assert.equal(dayStart(""), null);
  assert.equal(dayStart("31/12/2026"), null);
  assert.equal(dayStart("1900-01-01"), 0);
});

test("what happened stands apart from what was said, and folds together", () => {
  /** @param {string} type @param {number} i @returns {any} */
  const message = (type, i) => ({ id: `m${i}`, author: "a", time: i, body: { type } });
  const all = ["removed", "roleChanged", "roomChanged", "text", "deleted", "expired", "unknown"].map(message);
  assert.deepEqual(all.map(isSystem), [true, true, true, false, false, false, false]);
  assert.deepEqual(toRows(all, null).map((r) => r.kind), ["system", "message", "message", "message", "message"]);
});
