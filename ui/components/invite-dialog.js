// Making an invite: first its terms, then the link and the code to pass on.
import { app } from "../stores/app.js";
import { button, h, icon } from "../lib/dom.js";
import { dateTime } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain, words } from "../lib/errors.js";
import { isAdmin, roomOf } from "../stores/select.js";
import { openDialog } from "./dialog.js";
import { busy, field, select, toggle } from "./form.js";

/** @typedef {import("../backend/api").Invite} Invite */

const HOUR = 3600;
/** @type {[string, string, Record<string, number>][]} */
const LIVES = [[String(HOUR), "invite.hours", { count: 1 }], [String(24 * HOUR), "invite.days", { count: 1 }], [String(7 * 24 * HOUR), "invite.days", { count: 7 }], [String(30 * 24 * HOUR), "invite.days", { count: 30 }]];
const USES = [1, 5, 25, 0];

/** @param {string} id the room's */
export function openInvite(id) {
  const room = roomOf(id);
  if (!room) return;
  // Who is no admin leaves the yes to one.
  const admin = isAdmin(room);
  const uses = field(t("invite.uses"), select(USES.map((n) => [String(n), n === 0 ? t("invite.usesAny") : t("invite.people", { count: n })]), "1"));
  const life = field(t("invite.life"), select(LIVES.map(([value, key, values]) => [value, t(key, values)]), String(7 * 24 * HOUR)));
  const role = field(t("invite.role"), select([["member", t("role.member")], ["guest", t("role.guest")]], "member"), { hint: t("invite.roleHint") });
  const approval = toggle(t("invite.approval"), t(admin ? "invite.approvalHint" : "invite.approvalByAdmin"), true);
  approval.input.disabled = !admin;
  const error = h("p", { class: "form-error", role: "alert" });
  const make = button(t("invite.make"), async () => {
    const command = /** @type {const} */ ({ type: "createInvite", room: id, uses: Number(uses.input.value), lifetimeSeconds: Number(life.input.value), approval: approval.input.checked, role: role.input.value === "guest" ? "guest" : "member" });
    try {
      const reply = await busy(make, () => app.send(command));
      if (reply.type !== "invite") return;
      close();
      showInvite(reply.invite);
    } catch (thrown) {
      error.textContent = words(thrown);
    }
  }, { class: "button primary", autofocus: true });
  const intro = h("p", { class: "quiet", text: t("invite.intro") });
  const { close } = openDialog({ title: t("invite.title", { room: room.name }), body: [intro, h("div", { class: "field-pair" }, uses.box, life.box), role.box, approval.box, error], actions: [button(t("cancel"), () => close()), make] });
}

/** The terms of an invite in a sentence or two. @param {Invite} invite */
export function inviteTerms(invite) {
  const left = invite.uses === 0 ? t("invite.usesAny") : t("invite.usesLeft", { count: Math.max(0, invite.uses - invite.used) });
  const as = invite.role === "guest" ? ` · ${t("invite.asGuest")}` : "";
  return `${left}${as} · ${t("invite.until", { time: dateTime(invite.expires) })} · ${invite.approval ? t("invite.youApprove") : t("invite.noApproval")}`;
}

/** @param {Invite} invite */
export function showInvite(invite) {
  if (!invite.link) return;
  const link = h("input", { type: "text", class: "input mono", readonly: true, value: invite.link, "aria-label": t("invite.link"), onfocus: () => link.select() });
  const copied = h("span", { text: t("invite.copy") });
  const copy = h("button", { type: "button", class: "button primary", autofocus: true }, icon("copy"), copied);
  copy.addEventListener("click", () => {
    app.port?.copy(invite.link ?? "").then(() => {
      copied.textContent = t("copied");
    }, () => (link.focus(), complain({ code: "copyFailed", message: "" })));
  });
  const aloud = invite.words ? saidAloud(invite.words) : null;
  const code = invite.qr ? h("div", { class: "qr" }, h("img", { src: app.port?.mediaUrl(invite.qr), alt: t("invite.qrAlt"), width: "220", height: "220" })) : null;
  openDialog({
    title: t("invite.ready"),
    body: [h("div", { class: "invite-card" }, code ?? "", h("div", { class: "invite-pass" }, h("p", { text: t("invite.pass") }), h("div", { class: "field-row" }, link, copy), aloud ?? "", h("p", { class: "quiet", text: inviteTerms(invite) }), h("p", { class: "note" }, icon("lock"), h("span", { text: t("invite.private") })), h("p", { class: "note" }, icon("clock"), h("span", { text: t("invite.someoneOnline") }))))],
  });
}

/** The eight words, numbered as one reads them out. @param {string} said */
function saidAloud(said) {
  const list = h("ol", { class: "said-words", dir: "ltr", lang: "en" }, ...said.split(" ").map((word) => h("li", { text: word })));
  const copy = button(t("invite.copyWords"), () => {
    app.port?.copy(said).then(() => {
      const label = copy.querySelector("span");
      if (label) label.textContent = t("copied");
    }, () => complain({ code: "copyFailed", message: "" }));
  }, { class: "button quiet" });
  return h("div", { class: "said-aloud" }, h("p", { class: "step-title", text: t("invite.words") }), list, h("div", { class: "said-foot" }, h("p", { class: "quiet", text: t("invite.wordsHint") }), copy));
}
