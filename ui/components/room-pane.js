// One room: its head, who waits at its door, its messages, what is being written.
import { app } from "../stores/app.js";
import { NARROW, WIDE, closeRoom, route, sideDetails, toggleDetails } from "../stores/route.js";
import { mayInvite, roomOf } from "../stores/select.js";
import { h, icon, iconButton, setText } from "../lib/dom.js";
import { duration } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { fill, roomAvatar } from "./avatar.js";
import { openInvite } from "./invite-dialog.js";
import { openSearch } from "./search-dialog.js";
import { MOD } from "./shortcuts.js";
import { View } from "./view.js";
import "./composer.js";
import "./message-list.js";
import "./pins-bar.js";
import "./requests-banner.js";
import "./typing-line.js";

class RoomPane extends View {
  sources() {
    return [app.state, route, sideDetails];
  }

  build() {
    this.none = h("div", { class: "empty room-none" }, icon("mark", "mark ghost"), (this.noneText = h("p")), (this.noneKeys = h("p", { class: "quiet", text: t("room.noneKeys", { key: MOD }) })));
    this.body = h("div", { class: "room-body" });
    this.append(this.none, this.body);
  }

  update() {
    const room = roomOf(route.value.room);
    if (this.none) this.none.hidden = room !== null;
    const rooms = app.state.value.rooms.length > 0;
    setText(/** @type {Element} */ (this.noneText), t(rooms ? "room.none" : "room.noneYet"));
    if (this.noneKeys) this.noneKeys.hidden = !rooms;
    if (this.body) this.body.hidden = room === null;
    if (!room) {
      this.shown = undefined;
      return this.body?.replaceChildren();
    }
    if (this.shown !== room.id) this.show(room.id);
    fill(/** @type {HTMLElement} */ (this.face), room.name, () => roomAvatar(room, "small"));
    setText(/** @type {Element} */ (this.heading), room.name);
    setText(/** @type {Element} */ (this.people), subtitle(room));
    if (this.lives) {
      this.lives.hidden = room.standing !== "member" || room.lives === 0;
      this.lives.title = t("room.lives", { time: duration(room.lives) });
      setText(/** @type {Element} */ (this.lives.lastElementChild), this.lives.title);
      setText(/** @type {Element} */ (this.lives.children[1]), duration(room.lives));
    }
    if (this.invite) this.invite.hidden = !mayInvite(room);
    const shown = WIDE.matches ? sideDetails.value : route.value.details;
    this.panel?.setAttribute("aria-pressed", String(shown));
  }

  /** Another room: everything below is its own. @param {string} id */
  show(id) {
    this.shown = id;
    this.face = h("span", { class: "slot" });
    this.heading = h("h1", { class: "room-title", dir: "auto" });
    this.people = h("span");
    this.lives = h("span", { class: "head-lives" }, icon("clock"), h("span", { "aria-hidden": "true" }), h("span", { class: "sr-only" }));
    const below = h("p", { class: "room-subtitle" }, this.people, this.lives);
    this.invite = iconButton("invite", t("invite.open"), () => openInvite(id), { class: "icon-button head-invite" });
    const search = iconButton("search", t("search.openHere"), () => openSearch(id), { "aria-haspopup": "dialog" });
    this.panel = iconButton("panel", t("details.toggle"), toggleDetails, { class: "icon-button panel-toggle" });
    const about = h("button", { type: "button", class: "room-about", onclick: toggleDetails, "aria-label": t("details.toggle") }, this.face);
    const head = h("div", { class: "pane-head room-head" }, iconButton("back", t("back"), closeRoom, { class: "icon-button back" }), about, h("div", { class: "room-titles" }, this.heading, below), search, this.invite, this.panel);
    const parts = ["natter-requests", "natter-pins", "natter-messages", "natter-typing", "natter-composer"].map((tag) => h(/** @type {any} */ (tag), { "data-room": id }));
    this.body?.replaceChildren(head, ...parts);
    app.open(id).catch(complain);
    if (!NARROW.matches && !document.querySelector("dialog[open]")) this.querySelector("textarea")?.focus();
  }
}

/** @param {import("../backend/api").Room} room */
function subtitle(room) {
  if (room.standing === "gone") return t("room.gone");
  if (room.members.length <= 1) return t("room.onlyYou");
  const online = room.members.filter((m) => m.own || m.presence === "online").length;
  return `${t("rooms.members", { count: room.members.length })} · ${t("room.online", { count: online })}`;
}

customElements.define("natter-room", RoomPane);
