// What somebody decides about a person for themselves: whether it is them, and whether to hear them.
import { app } from "../stores/app.js";
import { button, h, icon } from "../lib/dom.js";
import { complain } from "../lib/errors.js";
import { t } from "../lib/i18n.js";
import { toast } from "../stores/toasts.js";
import { doubleOf } from "../stores/select.js";
import { confirm } from "./dialog.js";
import { openVerify } from "./verify-dialog.js";

/** @typedef {import("../backend/api").Member} Member */
/** @typedef {import("../backend/api").Room} Room */

/** What the card warns of. @param {Room} room @param {Member} member */
export function doubt(room, member) {
  const double = doubleOf(room, member);
  return [
    ...(double ? [t("double.text", { name: double.name })] : []),
    ...(member.forked ? [t(member.own ? "forked.own" : "forked.text")] : []),
  ].map((text) => h("p", { class: "doubt" }, icon("warn"), h("span", { text })));
}

/** @param {Room} room @param {Member} member @param {() => void} close */
export function verifyAct(room, member, close) {
  if (member.own) return [];
  const label = member.verified ? t("verify.again") : t("verify.open");
  return [button(label, () => (close(), openVerify(room, member.device)), { class: doubleOf(room, member) ? "button primary wide" : "button wide" }, "verified")];
}

/** @param {Member} member @param {() => void} close */
export function blockAct(member, close) {
  if (member.own) return [];
  if (member.blocked) return [button(t("block.undo"), () => (close(), setBlocked(member, false)), { class: "button wide" }, "block")];
  return [button(t("block.block"), () => (close(), askToBlock(member)), { class: "button quiet-danger wide" }, "block")];
}

/** @param {Member} member */
async function askToBlock(member) {
  const sure = await confirm({ title: t("block.title", { name: member.name }), text: t("block.text"), yes: t("block.yes"), danger: true });
  if (sure) await setBlocked(member, true);
}

/** @param {Member} member @param {boolean} on */
async function setBlocked({ device, name }, on) {
  try {
    await app.send({ type: "setBlocked", device, on });
    toast(t(on ? "block.done" : "block.undone", { name }));
  } catch (thrown) {
    complain(thrown);
  }
}
