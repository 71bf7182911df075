// What can be done with a message, under its sender and full date.
import { app } from "../stores/app.js";
import { h } from "../lib/dom.js";
import { fullDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { personOf } from "../stores/select.js";
import { toast } from "../stores/toasts.js";
import { openDelivery } from "./delivery-mark.js";
import { openMenu } from "./popover.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Room} Room */

/** @param {Element} anchor @param {import("./message-row.js").MessageRow} row @param {Message} message @param {Room} room @param {{x: number, y: number}} [at] */
export function openMessageMenu(anchor, row, message, room, at) {
  const { body } = message;
  const text = body.type === "text" ? body.text : body.type === "picture" ? body.caption : "";
  const here = body.type === "picture" && body.picture.transfer.type === "here";
  const head = h("div", { class: "menu-head" }, h("bdi", { class: "name", text: personOf(room, message.author).name }), h("time", { datetime: new Date(message.time).toISOString(), text: fullDate(message.time) }));
  openMenu(anchor, t("message.more"), [
    room.standing === "member" ? { icon: "reply", label: t("message.reply"), act: () => row.reply() } : null,
    text ? { icon: "copy", label: t("message.copy"), act: () => copy(text) } : null,
    body.type === "picture" && here ? { icon: "save", label: t("picture.save"), act: () => savePicture(room.id, message) } : null,
    message.own && message.delivery ? { icon: "check", label: t("delivery.title"), act: () => openDelivery(row, message, room) } : null,
  ], { at, head });
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
