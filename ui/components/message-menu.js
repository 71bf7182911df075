// What can be done with a message, under its sender and full date, with the quick reactions on top.
import { app } from "../stores/app.js";
import { h, iconButton } from "../lib/dom.js";
import { fullDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { personOf } from "../stores/select.js";
import { toast } from "../stores/toasts.js";
import { openDelivery } from "./delivery-mark.js";
import { openEdits } from "./edits-dialog.js";
import { openPicker } from "./emoji-picker.js";
import { QUICK, askToDelete, mayDelete, mayEdit, mayReact, startEdit, startReply, togglePin, toggleReaction } from "./message-acts.js";
import { isThere, wordsIn } from "./message-body.js";
import { openMenu } from "./popover.js";
import { openWho } from "./reactions.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Room} Room */

/** @param {Element} anchor @param {Element} row @param {Message} message @param {Room} room @param {{x: number, y: number}} [at] */
export function openMessageMenu(anchor, row, message, room, at) {
  const { body } = message;
  const text = wordsIn(message);
  const here = body.type === "picture" && body.picture.transfer.type === "here";
  const may = mayReact(message, room);
  const info = h("div", { class: "menu-head" }, h("bdi", { class: "name", text: personOf(room, message.author).name }), h("time", { datetime: new Date(message.time).toISOString(), text: fullDate(message.time) }));
  const head = h("div", null, info, may ? quickRow(message, room, () => close(), () => openPicker(row, (emoji) => toggleReaction(message, room, emoji), at)) : null);
  const close = openMenu(anchor, t("message.more"), [
    may ? { icon: "reply", label: t("message.reply"), act: () => startReply(message) } : null,
    mayEdit(message, room) ? { icon: "edit", label: t("message.edit"), act: () => startEdit(message) } : null,
    text ? { icon: "copy", label: t("message.copy"), act: () => copy(text) } : null,
    may ? { icon: "pin", label: t(message.pinned ? "message.unpin" : "message.pin"), act: () => togglePin(message, room) } : null,
    isThere(message) && message.edited !== null ? { icon: "clock", label: t("edits.title"), act: () => openEdits(room, message.id) } : null,
    isThere(message) && message.reactions.length > 0 ? { icon: "people", label: t("react.who"), act: () => openWho(row, message, room) } : null,
    body.type === "picture" && here ? { icon: "save", label: t("picture.save"), act: () => savePicture(room.id, message) } : null,
    message.own && message.delivery ? { icon: "check", label: t("delivery.title"), act: () => openDelivery(row, message, room) } : null,
    mayDelete(message, room) ? { icon: "trash", label: t("message.delete"), act: () => askToDelete(message, room), danger: true } : null,
  ], { at, head });
}

/** @param {Message} message @param {Room} room @param {() => void} close @param {() => void} more */
function quickRow(message, room, close, more) {
  const own = (/** @type {string} */ emoji) => message.reactions.some((r) => r.emoji === emoji && r.own);
  const quick = QUICK.map((emoji) => h("button", { type: "button", class: "quick", "aria-pressed": String(own(emoji)), "aria-label": t("react.with", { emoji }), text: emoji, onclick: () => (close(), toggleReaction(message, room, emoji)) }));
  const row = h("div", { class: "quick-row", role: "group", "aria-label": t("message.react") }, quick, iconButton("plus", t("react.more"), () => (close(), more())));
  row.addEventListener("keydown", (event) => {
    const all = [...row.querySelectorAll("button")];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = all.indexOf(/** @type {any} */ (document.activeElement));
    if (step && at >= 0) all[(at + step + all.length) % all.length].focus();
  });
  return row;
}

/** @param {string} text */
export function copy(text) {
  app.port?.copy(text).then(() => toast(t("copied")), complain);
}

/** @param {string} room @param {Message} message */
export async function savePicture(room, message) {
  if (message.body.type !== "picture") return;
  const { url, name } = message.body.picture;
  try {
    if (await app.port?.saveBlob(room, message.id, url, name)) toast(t("picture.saved"));
  } catch (thrown) {
    complain(thrown);
  }
}
