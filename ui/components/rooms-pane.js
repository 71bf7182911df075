// The list of rooms, the knocks that are under way, and how the network stands.
import { app } from "../stores/app.js";
import { openRoom, route } from "../stores/route.js";
import { isAdmin, personOf } from "../stores/select.js";
import { button, h, icon, iconButton, reconcile, setText } from "../lib/dom.js";
import { fullDate, roomTime } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { plain } from "../lib/markdown.js";
import { isSystem } from "../lib/rows.js";
import { avatar, fill, roomAvatar } from "./avatar.js";
import { openCreateRoom } from "./create-room-dialog.js";
import { mayBeLinked } from "./devices-section.js";
import { openJoin } from "./join-dialog.js";
import { openUseCode } from "./link-dialog.js";
import { gist } from "./message-body.js";
import { openMenu } from "./popover.js";
import { openSearch } from "./search-dialog.js";
import { systemText } from "./system-text.js";
import { openSettings } from "./settings-dialog.js";
import { View } from "./view.js";
import "./network-status.js";

/** @typedef {import("../backend/api").Room} Room */

class RoomsPane extends View {
  sources() {
    return [app.state, route];
  }

  build() {
    this.me = h("button", { type: "button", class: "me-button", onclick: () => openSettings(), "aria-label": t("settings.open"), title: t("settings.open") });
    const add = iconButton("plus", t("rooms.add"), () => this.openAdd(add), { class: "icon-button filled", "aria-haspopup": "menu", "aria-expanded": "false" });
    const head = h("div", { class: "pane-head" }, this.me, h("h1", { class: "wordmark", text: "Natter" }), iconButton("search", t("search.label"), () => openSearch(null), { "aria-haspopup": "dialog" }), add);
    this.joins = h("div", { class: "join-list" });
    this.list = h("ul", { class: "room-list" });
    this.empty = h("div", { class: "empty" }, icon("hello", "art"), h("h2", { text: t("rooms.emptyTitle") }), h("p", { text: t("rooms.emptyText") }),
      h("div", { class: "empty-actions" }, button(t("rooms.create"), openCreateRoom, { class: "button primary wide" }, "plus"), button(t("rooms.join"), () => openJoin(), { class: "button wide" }, "link"), (this.become = button(t("devices.become"), openUseCode, { class: "button wide" }, "people"))));
    this.append(head, h("div", { class: "pane-scroll" }, this.joins, this.list, this.empty), h(/** @type {any} */ ("natter-network")));
  }

  /** @param {HTMLElement} anchor */
  openAdd(anchor) {
    openMenu(anchor, t("rooms.add"), [
      { icon: "plus", label: t("rooms.create"), act: openCreateRoom },
      { icon: "link", label: t("rooms.join"), act: () => openJoin() },
    ]);
  }

  update() {
    const { me, rooms, joins } = app.state.value;
    if (me && this.me) fill(this.me, `${me.name} ${me.avatar}`, () => avatar(me, "small"));
    if (this.empty) this.empty.hidden = rooms.length + joins.length > 0;
    if (this.become) this.become.hidden = !mayBeLinked(app.state.value);
    const knocking = joins.filter((join) => !rooms.some((room) => room.id === join.room));
    if (this.joins) reconcile(this.joins, knocking, (j) => j.room + j.progress, joinRow);
    if (this.list) reconcile(this.list, rooms, (room) => room.id, makeRoom, updateRoom);
  }
}

/** @param {import("../backend/api").Join} join */
function joinRow(join) {
  return h("button", { type: "button", class: "room-item joining", onclick: () => openJoin(join.room) }, roomAvatar({ id: join.room, name: join.roomName || "?" }),
    h("span", { class: "room-words" }, h("span", { class: "name", dir: "auto", text: join.roomName || t("join.wordsLooking") }), h("span", { class: "quiet", text: t(`join.${join.progress}Short`) })));
}

/** @param {Room} room */
function makeRoom(room) {
  const words = h("span", { class: "room-words" }, h("span", { class: "name", dir: "auto" }), h("span", { class: "room-last", dir: "auto" }));
  const side = h("span", { class: "room-side" }, h("time"), h("span", { class: "badges" }));
  return h("li", null, h("button", { type: "button", class: "room-item", "data-room": room.id, onclick: () => openRoom(room.id) }, h("span", { class: "slot" }), words, side));
}

/** @param {HTMLElement} item @param {Room} room */
function updateRoom(item, room) {
  const pick = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (item.querySelector(selector));
  const open = route.value.room === room.id;
  const draft = open || room.standing !== "member" ? null : room.draft;
  const line = draft ? plain(draft.slice(0, 200), [], (_, text) => text) : preview(room);
  const key = `${room.name} ${Boolean(draft)} ${line} ${room.last?.time} ${room.unread} ${room.requests.length} ${room.standing}`;
  pick("button").toggleAttribute("data-open", open);
  if (open) pick("button").setAttribute("aria-current", "page");
  else pick("button").removeAttribute("aria-current");
  if (item.dataset.shown === key) return;
  item.dataset.shown = key;
  fill(pick(".slot"), room.name, () => roomAvatar(room));
  setText(pick(".name"), room.name);
  pick(".room-last").replaceChildren(...(draft ? [h("span", { class: "draft-mark", text: t("rooms.draft") }), " "] : []), line);
  const time = /** @type {HTMLTimeElement} */ (pick("time"));
  time.hidden = !room.last;
  if (room.last) {
    setText(time, roomTime(room.last.time, Date.now()));
    time.dateTime = new Date(room.last.time).toISOString();
    time.title = fullDate(room.last.time);
  }
  pick(".badges").replaceChildren(
    ...(isAdmin(room) && room.requests.length > 0 ? [h("span", { class: "badge-knock", title: t("rooms.waiting", { count: room.requests.length }) }, icon("door"), h("span", { class: "sr-only", text: t("rooms.waiting", { count: room.requests.length }) }))] : []),
    ...(room.unread > 0 ? [h("span", { class: "badge-count" }, h("span", { "aria-hidden": "true", text: room.unread > 999 ? "999+" : String(room.unread) }), h("span", { class: "sr-only", text: t("rooms.unread", { count: room.unread }) }))] : []),
  );
}

/** One line of the newest message, with who said it. @param {Room} room */
export function preview(room) {
  if (room.standing === "gone") return t("room.gone");
  const { last } = room;
  if (!last) return t("rooms.nothingYet");
  const name = last.own ? t("you") : personOf(room, last.author).name;
  return oneLine(name, room, last);
}

/** @param {string} name @param {Room} room @param {import("../backend/api").Message} message */
function oneLine(name, room, message) {
  const { body } = message;
  switch (body.type) {
    case "text": return t("preview.text", { name, text: gist(message, room) });
    case "picture": return body.caption ? t("preview.text", { name, text: gist(message, room) }) : t("preview.picture", { name });
    case "deleted": case "expired": return gist(message, room);
    default: return isSystem(message) ? systemText(message, room) : t("preview.unknown", { name });
  }
}

customElements.define("natter-rooms", RoomsPane);
