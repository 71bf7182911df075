// The timeline: at most a few screens of rows in the page, anchored on what the reader sees, so that nothing that
// arrives or loads above ever moves it.
import { app } from "../stores/app.js";
import { wanted } from "../stores/live.js";
import { roomOf } from "../stores/select.js";
import { h, icon, reconcile, setText } from "../lib/dom.js";
import { dayName, shortDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { isSystem, toDays, toRows } from "../lib/rows.js";
import * as slices from "../lib/window.js";
import { toast } from "../stores/toasts.js";
import { markFound } from "./found-marks.js";
import { gist, isThere } from "./message-body.js";
import { makeRow, updateRow } from "./timeline-row.js";
import { ReadMark } from "./read-mark.js";
import { Scroller } from "./scroller.js";
import { emptyRoom, skeleton } from "./timeline-empty.js";
import { View } from "./view.js";

/** @typedef {import("../lib/rows.js").Row} Row */

/** How near to an edge of the slice the reader comes before more is put there, in pixels. */
const NEAR_PX = 800;
const FLASH_MS = 1_600;

class MessageList extends View {
  /** @type {Row[]} */
  rows = [];
  slice = { start: 0, end: 0 };
  /** The messages that `rows` were made of. @type {readonly import("../lib/rows.js").Message[] | undefined} */
  messages = undefined;
  /** @type {Map<string, HTMLElement>} */
  elements = new Map();
  /** Whether newer messages are there than are loaded. */
  newer = false;

  sources() {
    return [app.state, wanted];
  }

  build() {
    this.room = this.dataset.room ?? "";
    this.days = h("div", { class: "days" });
    this.top = h("div", { class: "timeline-top" });
    this.column = h("div", { class: "column" }, this.top, this.days);
    this.view = h("div", { class: "timeline", role: "log", "aria-live": "off", "aria-label": t("timeline.label"), tabindex: "-1" }, this.column);
    this.pillCount = h("span", { class: "pill-count" });
    this.pill = h("button", { type: "button", class: "pill", hidden: true, onclick: () => this.jumpToNewest() }, icon("down"), this.pillCount);
    this.heard = h("div", { class: "sr-only", role: "log", "aria-live": "polite", "aria-label": t("timeline.news") });
    this.append(this.view, this.pill, this.heard);
    this.scroller = new Scroller(this.view, this.column, () => this.onScroll());
    this.mark = new ReadMark(this.room);
    this.addEventListener("jump", (event) => this.jumpTo(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("keydown", (event) => this.onKey(event));
  }

  connectedCallback() {
    super.connectedCallback();
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    app.news.addEventListener("message", (event) => this.announce(/** @type {CustomEvent} */ (event).detail), { signal });
    addEventListener("focus", () => this.markRead(), { signal });
    this.scroller?.start();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.aborter?.abort();
    this.scroller?.stop();
  }

  update() {
    const room = roomOf(this.room ?? null);
    const timeline = app.state.value.timelines[this.room ?? ""];
    if (!room || !this.days || !this.top || !this.scroller || !this.mark) return;
    if (!timeline) return this.days.replaceChildren(skeleton());
    if (this.messages !== timeline.messages || this.rows.length === 0) {
      const first = this.messages === undefined;
      if (first) this.days.replaceChildren();
      this.messages = timeline.messages;
      const before = this.rows.map((row) => row.key);
      this.mark.open(room);
      this.rows = toRows(timeline.messages, this.mark.divider);
      this.slice = first ? slices.newest(this.rows.length) : this.scroller.stuck ? this.stuckSlice() : slices.follow(this.slice, before, this.rows.map((row) => row.key));
      // Who is at an edge already cannot scroll there: what was loaded beyond it is put there by itself.
      queueMicrotask(() => (first ? this.firstPlace() : this.onScroll()));
    }
    this.newer = timeline.newer;
    this.top.replaceChildren(...this.topOf(room, timeline.more));
    this.draw();
    this.goWhereWanted();
  }

  /** A message that was chosen elsewhere: in a search, among the pins. */
  goWhereWanted() {
    const goal = wanted.value;
    if (!goal || goal.room !== this.room || this.rows.length === 0) return;
    wanted.set(null);
    queueMicrotask(() => this.jumpTo(goal.message).then(() => markFound(this.elements.get(goal.message) ?? null, goal.query)));
  }

  /** Whether the slice ends with the newest message of all. */
  get complete() {
    return this.slice.end === this.rows.length && !this.newer;
  }

  stuckSlice() {
    return { start: Math.max(this.slice.start, this.rows.length - slices.MAX_ROWS, 0), end: this.rows.length };
  }

  /** @param {import("../backend/api").Room} room @param {boolean} more */
  topOf(room, more) {
    if (more || this.slice.start > 0) return [h("p", { class: "timeline-more", text: t("timeline.older") })];
    return this.rows.some((row) => row.kind === "message") ? [] : [emptyRoom(room)];
  }

  draw() {
    const room = roomOf(this.room ?? null);
    if (!room || !this.days) return;
    const days = toDays(this.rows.slice(this.slice.start, this.slice.end));
    this.elements = new Map();
    reconcile(this.days, days, (day) => day.key, () => h("section", { class: "day" }, h("h2", { class: "day-name" }), h("div", { class: "day-rows" })), (section, day) => {
      const name = /** @type {HTMLElement} */ (section.firstElementChild);
      setText(name, dayName(day.time, Date.now()));
      name.title = shortDate(day.time);
      const rows = reconcile(/** @type {HTMLElement} */ (section.lastElementChild), day.rows, (row) => row.key, makeRow, (element, row) => updateRow(element, row, room));
      for (const [key, element] of rows) this.elements.set(key, element);
    });
    this.scroller?.restore(this.elements);
    this.rove();
    this.updatePill();
    this.markRead();
  }

  /** Where a room opens: at the unread line, else at the newest. */
  firstPlace() {
    const unread = this.elements.get("unread");
    if (unread) this.scroller?.showUpper(unread, this.elements);
    this.onScroll();
  }

  onScroll() {
    const { scroller, slice, rows } = this;
    if (!scroller || rows.length === 0) return;
    const total = rows.length;
    if (scroller.above() < NEAR_PX) {
      if (slice.start > 0) this.slice = slices.older(slice);
      else if (app.state.value.timelines[this.room ?? ""]?.more) app.loadOlder(this.room ?? "").catch(complain);
    } else if (scroller.below() < NEAR_PX) {
      if (slice.end < total) this.slice = slices.newer(slice, total);
      else if (this.newer) app.loadNewer(this.room ?? "").catch(complain);
    }
    scroller.atNewest = this.complete;
    scroller.remember(this.elements);
    if (this.slice !== slice) this.draw();
    this.updatePill();
    this.markRead();
  }

  updatePill() {
    if (!this.pill || !this.pillCount) return;
    const away = this.scroller?.stuck !== true && this.rows.length > 0;
    this.pill.hidden = !away;
    const count = away ? (roomOf(this.room ?? null)?.unread ?? 0) : 0;
    this.pill.toggleAttribute("data-new", count > 0);
    setText(this.pillCount, count > 0 ? t("timeline.newMessages", { count }) : "");
    this.pill.setAttribute("aria-label", count > 0 ? t("timeline.newMessages", { count }) : t("timeline.newest"));
  }

  markRead() {
    const last = this.scroller?.lastVisible(this.elements);
    const row = this.rows.find((r) => r.key === last);
    if (row?.kind === "message") this.mark?.seen(row.message);
    else if (row?.kind === "system") this.mark?.seen(row.messages[row.messages.length - 1]);
  }

  async jumpToNewest() {
    await app.loadNewest(this.room ?? "").catch(complain);
    this.update();
    this.slice = slices.newest(this.rows.length);
    this.scroller?.stick();
    this.draw();
    this.view?.focus({ preventScroll: true });
  }

  /** To a message, however far back. @param {string} id */
  async jumpTo(id) {
    // Until it is there the end is not held on to: a page from far back would be scrolled to its end first.
    if (this.scroller && !this.elements.has(id)) this.scroller.stuck = false;
    const found = await app.seek(this.room ?? "", id).catch(() => false);
    this.update();
    const at = this.rows.findIndex((row) => row.key === id || (row.kind === "system" && row.messages.some((m) => m.id === id)));
    if (!found || at < 0) return toast(t("reply.notHere"));
    const { key } = this.rows[at];
    if (!this.elements.has(key)) this.slice = slices.around(at, this.rows.length);
    if (this.scroller) this.scroller.stuck = false;
    this.draw();
    const element = this.elements.get(key);
    if (!element) return;
    this.scroller?.showMiddle(element, this.elements);
    element.focus({ preventScroll: true });
    element.toggleAttribute("data-flash", true);
    setTimeout(() => element.toggleAttribute("data-flash", false), FLASH_MS);
  }

  /** @param {Extract<import("../backend/api").Change, {type: "message"}>} change */
  announce(change) {
    const room = roomOf(this.room ?? null);
    if (!room || change.room !== this.room || !this.heard) return;
    if (change.message.own) this.mark?.wrote();
    const { author, own } = change.message;
    const name = room.members.find((m) => m.device === author)?.name ?? "";
    if (!own && isThere(change.message)) this.heard.replaceChildren(h("p", { text: t("preview.text", { name, text: gist(change.message, room) }) }));
    if (own && !isSystem(change.message)) this.showOwn();
  }

  /** What was just said here is shown. */
  showOwn() {
    if (this.newer) return this.jumpToNewest();
    this.scroller?.stick();
    this.slice = slices.newest(this.rows.length);
  }

  /** One row is in the tab order; arrows move among them. */
  rove() {
    const rows = [...this.elements.values()].filter((e) => e.matches(".message"));
    const current = rows.find((e) => e === document.activeElement || e.contains(document.activeElement)) ?? rows.at(-1);
    for (const row of rows) row.tabIndex = row === current ? 0 : -1;
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const focused = document.activeElement;
    if (!(focused instanceof HTMLElement) || !focused.matches(".message")) return;
    const rows = [...this.elements.values()].filter((e) => e.matches(".message"));
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = rows[rows.indexOf(focused) + step];
    if (!next) return;
    focused.tabIndex = -1;
    next.tabIndex = 0;
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }
}

customElements.define("natter-messages", MessageList);
