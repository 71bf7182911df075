// Ctrl/Cmd+K: type a few letters, press Enter, be there. Rooms, and people with the rooms that they are in.
import { app } from "../stores/app.js";
import { openRoom } from "../stores/route.js";
import { everybody } from "../stores/select.js";
import { h, icon } from "../lib/dom.js";
import { fold } from "../lib/fold.js";
import { list, t } from "../lib/i18n.js";
import { avatar, roomAvatar } from "./avatar.js";
import { show } from "./dialog.js";

/** @typedef {{key: string, title: string, detail: string, picture: () => Node, room: string}} Hit */
const MAX_HITS = 30;

/** @returns {Hit[]} */
function everything() {
  const rooms = app.state.value.rooms.map((room) => ({
    key: room.id, title: room.name, detail: t("rooms.members", { count: room.members.length }), picture: () => roomAvatar(room, "small"), room: room.id,
  }));
  const people = everybody().map(({ member, rooms: shared }) => ({
    key: member.device, title: member.name, detail: list(shared.map((r) => r.name)), picture: () => avatar(member, "small"), room: shared[0].id,
  }));
  return [...rooms, ...people];
}

export function openJump() {
  const all = everything();
  let hits = all;
  let at = 0;
  const options = h("div", { role: "listbox", id: "jump-list", class: "jump-list", "aria-label": t("jump.results") });
  const input = h("input", { type: "text", class: "input", role: "combobox", "aria-expanded": "true", "aria-controls": "jump-list", "aria-autocomplete": "list", "aria-label": t("jump.label"), placeholder: t("jump.label"), autofocus: true, autocomplete: "off", dir: "auto" });
  const dialog = h("dialog", { class: "dialog jump", "aria-label": t("jump.label") }, h("div", { class: "dialog-sheet" }, h("div", { class: "jump-field" }, icon("search"), input), options));

  const go = (/** @type {Hit | undefined} */ hit) => {
    if (!hit) return;
    dialog.close();
    openRoom(hit.room);
  };
  const draw = () => {
    const rows = hits.slice(0, MAX_HITS).map((hit, i) =>
      h("div", { role: "option", id: `jump-${i}`, class: "jump-hit", "aria-selected": String(i === at), onclick: () => go(hit) }, hit.picture(), h("span", { class: "jump-words" }, h("span", { class: "name", dir: "auto", text: hit.title }), h("span", { class: "quiet", dir: "auto", text: hit.detail }))));
    options.replaceChildren(...(rows.length > 0 ? rows : [h("p", { class: "jump-none", text: t("jump.none") })]));
    if (rows.length > 0) input.setAttribute("aria-activedescendant", `jump-${at}`);
    else input.removeAttribute("aria-activedescendant");
    rows[at]?.scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", () => {
    const wanted = fold(input.value.trim());
    hits = all.filter((hit) => fold(hit.title).includes(wanted));
    at = 0;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const shown = Math.min(hits.length, MAX_HITS);
    if (event.key === "Enter" && !event.isComposing) go(hits[at]);
    else if (by && shown > 0) at = (at + by + shown) % shown;
    else return;
    event.preventDefault();
    draw();
  });
  draw();
  show(dialog);
}
