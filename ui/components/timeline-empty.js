// What stands where messages are not yet.
import { h, button, icon } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { mayInvite, others } from "../stores/select.js";
import { openInvite } from "./invite-dialog.js";

/** The start of a room teaches what to do next. @param {import("../backend/api").Room} room */
export function emptyRoom(room) {
  const alone = others(room).length === 0;
  if (room.standing === "gone") return h("div", { class: "empty" }, h("p", { text: t("room.goneEmpty") }));
  return h("div", { class: "empty" }, icon(alone ? "empty-room" : "hello", "art"), h("h2", { text: alone ? t("room.aloneTitle") : t("room.firstTitle") }), h("p", { text: alone ? t("room.aloneText") : t("room.firstText") }),
    alone && mayInvite(room) ? h("div", { class: "empty-actions" }, button(t("invite.open"), () => openInvite(room.id), { class: "button primary" }, "invite")) : null);
}

export function skeleton() {
  const bubble = (/** @type {string} */ kind) => h("div", { class: `skeleton-bubble ${kind}` }, h("span", { class: "skeleton round" }), h("span", { class: "skeleton block" }));
  return h("div", { class: "skeleton-timeline", role: "status" }, h("span", { class: "sr-only", text: t("loading") }), bubble(""), bubble("long"), bubble("own"), bubble("own long"), bubble(""));
}
