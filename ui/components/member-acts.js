// What an admin may do with a member: say what they may do, and take them out of the room.
import { app } from "../stores/app.js";
import { mayManage } from "../stores/select.js";
import { button, h } from "../lib/dom.js";
import { complain } from "../lib/errors.js";
import { t } from "../lib/i18n.js";
import { confirm } from "./dialog.js";

/** @typedef {import("../backend/api").Member} Member */
/** @typedef {import("../backend/api").Room} Room */
/** @typedef {import("../backend/api").Role} Role */

/** @type {Role[]} */
const ROLES = ["guest", "member", "admin"];

/** Nothing where nothing is allowed. @param {Room} room @param {Member} member @param {() => void} close */
export function memberActs(room, member, close) {
  if (!mayManage(room, member)) return [];
  const meaning = h("p", { class: "quiet role-meaning", text: t(`role.means.${member.role}`) });
  const roles = ROLES.map((role) => h("button", { type: "button", class: "scope-choice", "aria-pressed": String(role === member.role), text: t(`role.${role}`), title: t(`role.means.${role}`), onclick: () => (close(), setRole(room, member, role)) }));
  return [
    h("div", { class: "roles" }, h("div", { class: "scope", role: "group", "aria-label": t("role.label", { name: member.name }) }, roles), meaning),
    button(t("remove.remove"), () => (close(), askToRemove(room, member)), { class: "button quiet-danger wide" }, "leave"),
  ];
}

/** @param {Room} room @param {Member} member @param {Role} role */
async function setRole(room, member, role) {
  if (role === member.role) return;
  const { name } = member;
  const sure = role !== "admin" || (await confirm({ title: t("role.adminTitle", { name }), text: t("role.adminText"), yes: t("role.adminYes") }));
  if (sure) await app.send({ type: "setRole", room: room.id, device: member.device, role }).catch(complain);
}

/** @param {Room} room @param {Member} member */
async function askToRemove(room, { device, name }) {
  const sure = await confirm({ title: t("remove.title", { name, room: room.name }), text: t("remove.text"), yes: t("remove.yes"), danger: true });
  if (sure) await app.send({ type: "removeMember", room: room.id, device }).catch(complain);
}
