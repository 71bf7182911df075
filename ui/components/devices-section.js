// A person's devices, as settings list them: which are linked, who asks to be, and taking a lost one out.
import { app } from "../stores/app.js";
import { button, h, icon, iconButton, reconcile, setText } from "../lib/dom.js";
import { shortDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { toast } from "../stores/toasts.js";
import { confirm } from "./dialog.js";
import { openLinkCode, openUseCode } from "./link-dialog.js";

/** @typedef {import("../backend/api").Device} Device */

/** Nothing but a device that is in no room can become another's. @param {import("../stores/state.js").State} state */
export const mayBeLinked = ({ rooms, devices }) => devices.linked.length === 0 && !rooms.some((room) => room.standing === "member");

export function devicesContent() {
  const words = h("p", { class: "quiet" });
  const list = h("ul", { class: "brokers" });
  const add = button(t("devices.link"), openLinkCode, {}, "invite");
  const become = button(t("devices.become"), openUseCode, {}, "link");
  const update = () => {
    const { devices } = app.state.value;
    setText(words, t(devices.linked.length > 0 ? "devices.linked" : "devices.alone", { count: devices.linked.length }));
    reconcile(list, devices.linked, (d) => JSON.stringify(d), deviceRow);
    list.hidden = devices.linked.length === 0;
    become.hidden = !mayBeLinked(app.state.value);
  };
  return { content: [words, list, h("div", { class: "profile-buttons" }, add, become)], update };
}

/** @param {Device} device */
function deviceRow(device) {
  const where = device.own ? t("devices.this") : `${t(`presence.${device.presence}`)} · ${t("devices.since", { date: shortDate(device.since) })}`;
  const out = device.own ? null : iconButton("trash", t("devices.unlink", { fingerprint: device.fingerprint }), () => unlink(device));
  return h("li", { class: "broker" }, icon(device.own ? "check" : "link"), h("div", { class: "broker-words" }, h("span", { class: "mono", text: device.fingerprint }), h("span", { class: "quiet", text: where })), out);
}

/** @param {Device} device */
async function unlink({ device, fingerprint }) {
  const sure = await confirm({ title: t("devices.unlinkTitle"), text: t("devices.unlinkText", { fingerprint }), yes: t("devices.unlinkYes"), danger: true });
  if (sure) await app.send({ type: "unlinkDevice", device }).then(() => toast(t("devices.unlinked")), complain);
}
