// The keyboard: what each key does, in one table that `?` shows.
import { app } from "../stores/app.js";
import { NARROW, closeDetails, closeRoom, openRoom, route } from "../stores/route.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { openDialog } from "./dialog.js";
import { openJump } from "./jump-dialog.js";
import { openSearch } from "./search-dialog.js";

export const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
export const MOD = MAC ? "⌘" : "Ctrl";
const ALT = MAC ? "⌥" : "Alt";

/** @type {[string[], string][]} keys and words */
const TABLE = [
  [[MOD, "K"], "keys.jump"],
  [[MOD, "F"], "keys.search"],
  [[MOD, "Shift", "F"], "keys.searchAll"],
  [[ALT, "↑"], "keys.previous"],
  [[ALT, "↓"], "keys.next"],
  [["Enter"], "keys.send"],
  [["Shift", "Enter"], "keys.break"],
  [["↑", "↓"], "keys.messages"],
  [["R"], "keys.reply"],
  [["↑", "E"], "keys.edit"],
  [["+"], "keys.react"],
  [[MAC ? "⌫" : "Del"], "keys.delete"],
  [[MOD, "B", "I", "E"], "keys.bold"],
  [["Esc"], "keys.close"],
  [["?"], "keys.list"],
];

/** @param {AbortSignal} signal */
export function listenForShortcuts(signal) {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const act = actionOf(event);
    if (!act) return;
    event.preventDefault();
    act();
  }, { signal });
}

/** @param {KeyboardEvent} event @returns {(() => void) | null} */
function actionOf(event) {
  const modal = document.querySelector("dialog[open]") !== null;
  const mod = MAC ? event.metaKey : event.ctrlKey;
  if (mod && !event.altKey && event.key.toLowerCase() === "k") return modal ? () => {} : openJump;
  if (modal) return null;
  if (mod && !event.altKey && event.key.toLowerCase() === "f") return () => openSearch(event.shiftKey ? null : route.value.room);
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) return () => step(event.key === "ArrowUp" ? -1 : 1);
  if (event.key === "?" && !typing(event)) return openShortcuts;
  if (event.key === "Escape" && route.value.details && !matchMedia("(width >= 1100px)").matches) return closeDetails;
  if (event.key === "Escape" && route.value.room && NARROW.matches) return closeRoom;
  return null;
}

/** @param {KeyboardEvent} event */
function typing(event) {
  return event.target instanceof Element && event.target.matches("input, textarea, select, [contenteditable]");
}

/** @param {number} by */
function step(by) {
  const { rooms } = app.state.value;
  if (rooms.length === 0) return;
  const at = rooms.findIndex((room) => room.id === route.value.room);
  openRoom(rooms[at < 0 ? 0 : (at + by + rooms.length) % rooms.length].id);
}

export function openShortcuts() {
  const rows = TABLE.map(([keys, text]) => h("div", { class: "shortcut" }, h("dt", { text: t(text) }), h("dd", null, ...keys.map((key) => h("kbd", { text: key })))));
  openDialog({ title: t("keys.title"), body: [h("dl", { class: "shortcuts" }, ...rows)], size: "small" });
}
