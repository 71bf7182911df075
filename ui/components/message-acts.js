// What can be done to a message, and by whom.
import { app } from "../stores/app.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { toast } from "../stores/toasts.js";
import { confirm } from "./dialog.js";
import { isAdmin } from "../stores/select.js";
import { isThere, wordsIn } from "./message-body.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Room} Room */

/** The ones that are one press away. */
export const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🎉"];

/** @param {Message} message @param {Room} room */
export const mayReact = (message, room) => room.standing === "member" && isThere(message);
/** @param {Message} message @param {Room} room */
export const mayEdit = (message, room) => mayReact(message, room) && message.own && !message.elsewhere && wordsIn(message) !== "";
/** @param {Message} message @param {Room} room */
export const mayDelete = (message, room) => mayReact(message, room) && (message.own || isAdmin(room));

/** Puts a sign on, or takes one's own off. @param {Message} message @param {Room} room @param {string} emoji */
export function toggleReaction(message, room, emoji) {
  const on = !message.reactions.some((r) => r.emoji === emoji && r.own);
  app.send({ type: "react", room: room.id, message: message.id, emoji, on }).catch(complain);
}

/** @param {Message} message @param {Room} room */
export function togglePin(message, room) {
  app.send({ type: "pinMessage", room: room.id, message: message.id, on: !message.pinned }).then(() => toast(t(message.pinned ? "pin.unpinned" : "pin.pinned")), complain);
}

/** @param {Message} message */
export const startReply = (message) => tellComposer("reply", message.id);
/** @param {Message} message */
export const startEdit = (message) => tellComposer("edit", message.id);

/** @param {string} what @param {string} id */
function tellComposer(what, id) {
  document.querySelector("natter-composer")?.dispatchEvent(new CustomEvent(what, { detail: id }));
}

/** @param {Message} message @param {Room} room */
export async function askToDelete(message, room) {
  const sure = await confirm({ title: t(message.own ? "delete.title" : "delete.titleOther"), text: t("delete.text"), yes: t("delete.yes"), danger: true });
  if (sure) await app.send({ type: "deleteMessage", room: room.id, message: message.id }).catch(complain);
}
