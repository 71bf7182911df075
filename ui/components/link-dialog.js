// Linking two devices: one shows a code and asks about whoever comes with it, the other opens the code and waits.
import { app } from "../stores/app.js";
import { button, h, icon } from "../lib/dom.js";
import { clock } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain, words } from "../lib/errors.js";
import { toast } from "../stores/toasts.js";
import { openDialog } from "./dialog.js";
import { busy, field } from "./form.js";
import { progressSteps } from "./join-progress.js";

/** @typedef {import("../backend/api").DeviceCode} DeviceCode */
/** @typedef {import("../backend/api").JoinRequest} JoinRequest */

const READ_AFTER_MS = 120;

/** On the device that has the rooms. */
export async function openLinkCode() {
  // One that still works is shown again: somebody may be on the way with it.
  const { code } = app.state.value.devices;
  if (code && code.expires > Date.now()) return showCode(code);
  try {
    const reply = await app.send({ type: "linkDevice" });
    if (reply.type === "deviceCode") showCode(reply.code);
  } catch (thrown) {
    complain(thrown);
  }
}

/** @param {DeviceCode} code */
function showCode(code) {
  const before = app.state.value.devices.linked.length;
  const box = h("div", { class: "link-box" });
  /** What is shown now: the code, or the newcomer that is asked about. */
  let shown = "";
  const update = () => {
    const { devices } = app.state.value;
    if (devices.linked.length > Math.max(before, 1)) return close(), toast(t("devices.done"));
    const request = devices.requests.at(0);
    const key = request ? request.device : "code";
    if (shown === key) return;
    shown = key;
    box.replaceChildren(...(request ? question(request) : card(code)));
  };
  const stop = app.state.watch(update);
  const { close } = openDialog({ title: t("devices.link"), body: [box], onclose: stop });
  update();
}

/** @param {DeviceCode} code */
function card(code) {
  const link = h("input", { type: "text", class: "input mono", readonly: true, value: code.link, "aria-label": t("devices.code"), onfocus: () => link.select() });
  const label = h("span", { text: t("invite.copy") });
  const copy = h("button", { type: "button", class: "button primary", autofocus: true }, icon("copy"), label);
  copy.addEventListener("click", () => app.port?.copy(code.link).then(() => (label.textContent = t("copied")), () => (link.focus(), complain({ code: "copyFailed", message: "" }))));
  const picture = h("div", { class: "qr" }, h("img", { src: app.port?.mediaUrl(code.qr), alt: t("devices.qrAlt"), width: "220", height: "220" }));
  return [h("div", { class: "invite-card" }, picture, h("div", { class: "invite-pass" }, h("p", { text: t("devices.pass") }), h("div", { class: "field-row" }, link, copy), h("p", { class: "quiet", text: t("devices.until", { time: clock(code.expires) }) }), h("p", { class: "note" }, icon("lock"), h("span", { text: t("devices.private") }))))];
}

/** @param {JoinRequest} request */
function question(request) {
  const answer = (/** @type {"admitDevice" | "declineDevice"} */ type, /** @type {HTMLButtonElement} */ pressed) =>
    busy(pressed, () => app.send({ type, device: request.device })).catch(complain);
  const yes = button(t("devices.yes"), () => answer("admitDevice", yes), { class: "button primary" }, "check");
  const no = button(t("devices.no"), () => answer("declineDevice", no));
  return [h("div", { class: "fingerprint", role: "status" }, h("p", { class: "label", text: t("devices.asks") }), h("p", { class: "mono code", text: request.fingerprint }), h("p", { class: "quiet", text: t("devices.compare") })), h("p", { class: "note" }, icon("warn"), h("span", { text: t("devices.means") })), h("div", { class: "link-answers" }, no, yes)];
}

/** On the new device. */
export function openUseCode() {
  if (app.state.value.devices.linking !== null) return followLinking();
  const text = field(t("devices.paste"), h("textarea", { rows: "3", class: "mono", placeholder: "natter://link#…", spellcheck: "false", autocomplete: "off", autocapitalize: "none", autofocus: true, dir: "ltr" }), { hint: t("devices.pasteHint") });
  const found = h("div", { class: "join-found", "aria-live": "polite" });
  const link = button(t("devices.use"), () => use(), { class: "button primary", disabled: true });
  let asked = 0;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const read = async () => {
    const mine = ++asked;
    const pasted = text.input.value.trim();
    const preview = pasted ? await app.send({ type: "readDeviceCode", text: pasted }).catch((thrown) => void (mine === asked && text.say(words(thrown)))) : null;
    if (mine !== asked) return;
    const good = preview?.type === "deviceCodePreview" ? preview.preview : null;
    link.disabled = good === null;
    found.replaceChildren(...(good ? [h("p", { class: "note" }, icon("people"), h("span", { text: t("devices.preview", { name: good.name }) }))] : []));
  };
  const use = async () => {
    try {
      await busy(link, () => app.send({ type: "useDeviceCode", text: text.input.value.trim() }));
      close();
      followLinking();
    } catch (thrown) {
      text.say(words(thrown));
    }
  };
  text.input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(read, READ_AFTER_MS);
  });
  const { close } = openDialog({ title: t("devices.become"), body: [h("p", { class: "quiet", text: t("devices.how") }), text.box, found], actions: [button(t("cancel"), () => close()), link] });
}

function followLinking() {
  const steps = progressSteps((key) => t(`devices.${key}`));
  const mine = h("div", { class: "fingerprint" });
  const cancel = button(t("join.cancel"), () => (app.send({ type: "cancelLinking" }).catch(complain), close()));
  let seen = false;
  const update = () => {
    const { devices, me } = app.state.value;
    if (devices.linked.length > 0) return close(), toast(t("devices.done"));
    if (devices.linking === null) return seen ? close() : undefined;
    seen = true;
    const goesOn = steps.show(devices.linking);
    mine.hidden = !goesOn || !me;
    if (me) mine.replaceChildren(h("p", { class: "label", text: t("person.yourFingerprint") }), h("p", { class: "mono code", text: me.fingerprint }), h("p", { class: "quiet", text: t("devices.compareNew") }));
    const label = cancel.querySelector("span");
    if (label) label.textContent = t(goesOn ? "devices.stop" : "close");
  };
  const stop = app.state.watch(update);
  const { close } = openDialog({ title: t("devices.become"), body: [steps.box, mine], actions: [cancel], size: "small", onclose: stop });
  update();
}
