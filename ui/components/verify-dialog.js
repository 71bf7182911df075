// Two people compare a number that only their two keys make: by eye, or by the code that the other device shows.
import { app } from "../stores/app.js";
import { button, h, icon } from "../lib/dom.js";
import { complain, words } from "../lib/errors.js";
import { t } from "../lib/i18n.js";
import { rows, tidy } from "../lib/safety.js";
import { PortError } from "../backend/port.js";
import { memberOf, roomOf } from "../stores/select.js";
import { openDialog } from "./dialog.js";
import { busy, field } from "./form.js";

/** @typedef {import("../backend/api").Room} Room */
/** @typedef {import("../backend/api").Safety} Safety */

/** @param {Room} room @param {string} device */
export async function openVerify(room, device) {
  try {
    const reply = await app.send({ type: "safety", device });
    if (reply.type === "safety") show(room.id, device, reply.safety);
  } catch (thrown) {
    complain(thrown);
  }
}

/** @param {string} room @param {string} device @param {Safety} safety */
function show(room, device, safety) {
  const member = () => memberOf(roomOf(room), device);
  const name = member()?.name ?? "";
  /** How the last check ended. @type {"none" | "match" | "mismatch"} */
  let ended = "none";
  const outcome = h("div", { class: "verify-outcome", role: "status" });
  const theirs = field(t("verify.theirs", { name }), h("textarea", { rows: "2", class: "mono", autocomplete: "off", autocapitalize: "none", spellcheck: "false", dir: "ltr" }), { hint: t("verify.theirsHint") });
  const check = button(t("verify.check"), () => compare(), {});
  const same = button(t("verify.same"), () => set(same, true), { class: "button primary" }, "check");
  const undo = button(t("verify.undo"), () => set(undo, false), { class: "button quiet-danger" });

  /** @param {HTMLButtonElement} pressed @param {boolean} on */
  const set = async (pressed, on) => {
    await busy(pressed, () => app.send({ type: "setVerified", device, on })).catch(complain);
    ended = "none";
    update();
  };
  const compare = async () => {
    const code = tidy(theirs.input.value);
    if (!code) return void (theirs.say(t("verify.missing")), theirs.input.focus());
    try {
      await busy(check, () => app.send({ type: "verify", code, device }));
      ended = "match";
      theirs.input.value = "";
    } catch (thrown) {
      ended = PortError.from(thrown).code === "codeWrong" ? "mismatch" : "none";
      if (ended === "none") theirs.say(words(thrown));
    }
    update();
    if (ended !== "none") outcome.scrollIntoView({ block: "nearest" });
  };
  const update = () => {
    const verified = member()?.verified ?? false;
    same.hidden = verified;
    undo.hidden = !verified;
    // After a mismatch nothing invites to wave it through.
    same.classList.toggle("primary", ended !== "mismatch");
    const kind = ended === "mismatch" ? "mismatch" : verified ? (ended === "match" ? "match" : "verified") : "none";
    if (outcome.dataset.kind === kind) return;
    outcome.dataset.kind = kind;
    outcome.replaceChildren(...(kind === "none" ? [] : kind === "mismatch" ? mismatch(name) : good(t(`verify.${kind}Text`, { name }))));
  };
  update();
  const stop = app.state.watch(update);
  const number = h("div", { class: "safety-number mono", role: "group", "aria-label": t("verify.number"), dir: "ltr", tabindex: "-1", autofocus: true }, rows(safety.number).map((groups) => h("p", null, groups.map((group) => h("span", { text: `${group} ` })))));
  const picture = h("div", { class: "qr" }, h("img", { src: app.port?.mediaUrl(safety.qr), alt: t("verify.qrAlt"), width: "160", height: "160" }));
  const copied = button(t("verify.copy"), () => copy(copied, safety.code), {}, "copy");
  openDialog({
    title: t("verify.title", { name }), onclose: stop, actions: [undo, same],
    body: [h("p", { class: "quiet", text: t("verify.intro", { name }) }), outcome, h("div", { class: "safety" }, number),
      h("div", { class: "verify-card" }, h("div", { class: "verify-mine" }, picture, copied), h("div", { class: "verify-theirs" }, theirs.box, check))],
  });
}

/** @param {HTMLButtonElement} pressed @param {string} code */
function copy(pressed, code) {
  const label = /** @type {Element} */ (pressed.querySelector("span"));
  app.port?.copy(code).then(() => (label.textContent = t("copied")), () => complain({ code: "copyFailed", message: "" }));
}

/** @param {string} text */
const good = (text) => [h("div", { class: "outcome good" }, icon("check", "icon badge"), h("div", null, h("p", { class: "outcome-title", text: t("verify.verified") }), h("p", { text })))];

/** @param {string} name */
const mismatch = (name) => [h("div", { class: "outcome bad", role: "alert" }, icon("warn", "icon badge bad"), h("div", null,
  h("p", { class: "outcome-title", text: t("verify.mismatch") }),
  h("p", { text: t("verify.mismatchMeans", { name }) }),
  h("p", { class: "outcome-do", text: t("verify.mismatchDo", { name }) })))];
