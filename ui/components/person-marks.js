// What stands beside a name: that its key was verified, that it is blocked, that it only looks like somebody's, that it
// signed two histories.
import { h, icon } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { doubleOf } from "../stores/select.js";

/** @typedef {import("../backend/api").Member} Member */
/** @typedef {import("../backend/api").Room} Room */

/** Drawn here, never part of a name: a name may hold any sign, but stands apart in its own element. */
export const verifiedMark = () => h("span", { class: "verified-mark", title: t("verify.verified") }, icon("verified"), h("span", { class: "sr-only", text: t("verify.verified") }));

/** Tags under a name in the list of members. @param {Room} room @param {Member} member */
export function memberTags(room, member) {
  const double = doubleOf(room, member);
  return [
    double ? h("span", { class: "tag warn" }, icon("warn"), h("span", { text: t("double.short", { name: double.name }) })) : null,
    member.forked ? h("span", { class: "tag warn" }, icon("warn"), h("span", { text: t("forked.short") })) : null,
    member.blocked ? h("span", { class: "tag" }, icon("block"), h("span", { text: t("block.blocked") })) : null,
  ].filter((tag) => tag !== null);
}
