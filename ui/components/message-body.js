// What a message says, as it stands in its bubble.
import { h, icon } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { plain } from "../lib/markdown.js";
import { personOf } from "../stores/select.js";
import { richText } from "./rich-text.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Room} Room */

/** More of a text than this is in no line of preview. */
const GIST_CHARACTERS = 300;

/** A message's own words, as typed; a picture's are its caption. @param {Message} message */
export const wordsIn = ({ body }) => (body.type === "text" ? body.text : body.type === "picture" ? body.caption : "");

/** @param {Message} message */
export const mentionsIn = ({ body }) => (body.type === "text" ? body.mentions : []);

/** Whether there is anything left to act on. @param {Message} message */
export const isThere = ({ body }) => body.type === "text" || body.type === "picture";

/** What a message says in one line. @param {Message} message @param {Room} room */
export function gist(message, room) {
  const { body } = message;
  if (body.type === "deleted") return t("message.deletedShort");
  if (body.type === "expired") return t("message.expired");
  const words = wordsIn(message);
  if (words) return plain(words.slice(0, GIST_CHARACTERS), mentionsIn(message), (device) => `@${personOf(room, device).name}`);
  return body.type === "picture" ? t("quote.picture") : t("message.unknown");
}

/** Where words would stand: the words, or why there are none. @param {Message} message @param {Room} room @param {HTMLElement} meta */
export function bodyWords(message, room, meta) {
  const { body } = message;
  if (body.type === "text") return richText(body.text, body.mentions, room, meta);
  if (body.type === "picture") return body.caption ? richText(body.caption, [], room, meta) : meta;
  if (body.type === "deleted") return note("trash", deletedWords(message.author, body.by, room), meta);
  if (body.type === "expired") return note("clock", t("message.expired"), meta);
  return note("warn", t("message.unknown"), meta);
}

/** @param {string} author @param {string} by @param {Room} room */
function deletedWords(author, by, room) {
  const person = personOf(room, by);
  if (person.own) return t("message.deletedByYou");
  return author === by ? t("message.deleted") : t("message.deletedBy", { name: person.name });
}

/** @param {string} iconName @param {string} text @param {HTMLElement} meta */
const note = (iconName, text, meta) => h("p", { class: "text tombstone", dir: "auto" }, icon(iconName), text, meta);
