// Who somebody is: their name, and the fingerprint by which they can be told from anybody who borrowed it.
import { h, icon } from "../lib/dom.js";
import { fullDate, shortDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { memberOf, personOf } from "../stores/select.js";
import { avatar } from "./avatar.js";
import { memberActs } from "./member-acts.js";
import { verifiedMark } from "./person-marks.js";
import { openPopover } from "./popover.js";
import { blockAct, doubt, verifyAct } from "./trust-acts.js";

/** @typedef {import("../backend/api").Room} Room */

/** @param {Element} anchor @param {Room} room @param {string} device */
export function openPerson(anchor, room, device) {
  const person = personOf(room, device);
  const member = room.members.find((m) => m.device === device);
  // Also who left can be verified and blocked: their words are still there.
  const known = memberOf(room, device);
  const standing = member ? [roleWords(member), presenceWords(member)].filter(Boolean).join(" · ") : t("person.former");
  const { close } = openPopover(anchor, { label: person.name, className: "person-card" },
    avatar(person, "huge"), h("div", { class: "person-name" }, h("h2", { dir: "auto", text: person.name }), known?.verified && !person.own ? verifiedMark() : ""),
    h("p", { class: "quiet", text: standing }),
    known?.blocked ? h("p", { class: "tag" }, icon("block"), h("span", { text: t("block.means") })) : "",
    ...(known ? doubt(room, known) : []),
    h("div", { class: "fingerprint" }, h("p", { class: "label", text: person.own ? t("person.yourFingerprint") : t("person.fingerprint") }), h("p", { class: "mono code", text: person.fingerprint }), h("p", { class: "quiet", text: person.own ? t("person.compareOwn") : known?.verified ? t("person.compared") : t("person.compare") })),
    ...(known ? verifyAct(room, known, () => close()) : []),
    member ? h("p", { class: "quiet since", title: fullDate(member.since) }, icon("clock"), h("span", { text: t("person.since", { date: shortDate(member.since) }) })) : "",
    ...(known ? blockAct(known, () => close()) : []),
    ...(member ? memberActs(room, member, () => close()) : []));
}

/** @param {import("../backend/api").Member} member */
export function presenceWords(member) {
  const presence = member.own ? t("presence.you") : t(`presence.${member.presence}`);
  return member.devices > 1 ? `${presence} · ${t("person.devices", { count: member.devices })}` : presence;
}

/** @param {import("../backend/api").Member} member */
export function roleWords(member) {
  return member.role === "member" ? "" : t(`role.${member.role}`);
}
