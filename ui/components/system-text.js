// What happened in a room, in a sentence: who came, who may do what, what the room is called from here on.
import { duration } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { plain } from "../lib/markdown.js";
import { personOf } from "../stores/select.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Room} Room */

/** More of what a room is for stands in its details. */
const ABOUT_CHARACTERS = 160;

/** @param {Message} message @param {Room} room */
export function systemText({ body, author, own }, room) {
  const by = personOf(room, author);
  /** The sentence as it is about oneself, by oneself, or among others. @param {string} key @param {string} device @param {Record<string, string>} [values] */
  const said = (key, device, values) => {
    const whom = personOf(room, device);
    return t(`system.${key}${own ? "ByYou" : whom.own ? "You" : ""}`, { by: by.name, name: whom.name, ...values });
  };
  switch (body.type) {
    case "joined": return personOf(room, body.device).own ? t("system.youJoined") : t("system.joined", { name: personOf(room, body.device).name });
    case "deviceLinked": case "deviceUnlinked": return t(`system.${body.type}${own ? "ByYou" : ""}`, { by: by.name, fingerprint: body.fingerprint });
    case "left": return t("system.left", { name: personOf(room, body.device).name });
    case "removed": return said("removed", body.device);
    case "roleChanged": return said("role", body.device, { role: t(`role.a.${body.role}`) });
    case "roomChanged": return changes(body, own ? t("you") : by.name);
    default: return own ? t("system.youCreated") : t("system.created", { name: by.name });
  }
}

/** @param {Extract<Message["body"], {type: "roomChanged"}>} body @param {string} by */
function changes({ name, about, lives }, by) {
  const said = [];
  if (name !== null) said.push(t("system.named", { by, room: name }));
  if (about !== null) said.push(t(about ? "system.about" : "system.noAbout", { by, about: plain(about.slice(0, ABOUT_CHARACTERS), [], (_, text) => text) }));
  if (lives !== null) said.push(t(lives > 0 ? "system.lives" : "system.stays", { by, time: duration(lives) }));
  return said.join(" · ");
}
