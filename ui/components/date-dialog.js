// To a day in a room's history: the first message that was written on it or later.
import { app } from "../stores/app.js";
import { wanted } from "../stores/live.js";
import { roomOf } from "../stores/select.js";
import { button, h } from "../lib/dom.js";
import { complain } from "../lib/errors.js";
import { dayStart, isoDay } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { toast } from "../stores/toasts.js";
import { openDialog } from "./dialog.js";

/** @param {string} id the room's */
export function openDate(id) {
  const room = roomOf(id);
  if (!room) return;
  const today = isoDay(Date.now());
  const input = h("input", { type: "date", id: "jump-day", class: "input", max: today, value: today, required: true });
  const error = h("p", { class: "field-error", id: "jump-day-error", role: "alert" });
  input.setAttribute("aria-describedby", "jump-day-error");
  const go = async () => {
    const time = dayStart(input.value);
    if (time === null) return void ((error.textContent = t("date.missing")), input.focus());
    close();
    await toTime(id, time).catch(complain);
  };
  const form = h("form", { class: "field", onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), go()) }, h("label", { for: "jump-day", text: t("date.label") }), input, error);
  const ago = (/** @type {string} */ key, /** @type {number} */ days) => button(t(key), () => (close(), toTime(id, dayStart(isoDay(Date.now() - days * 86_400_000)) ?? 0).catch(complain)), { class: "button" });
  const { close } = openDialog({
    title: t("date.title"), size: "small",
    body: [form, h("div", { class: "date-quick" }, ago("date.week", 7), ago("date.month", 30), button(t("date.first"), () => (close(), toTime(id, 0).catch(complain)), { class: "button" }))],
    actions: [button(t("cancel"), () => close()), button(t("date.go"), go, { class: "button primary" })],
  });
}

/** @param {string} room @param {number} time */
async function toTime(room, time) {
  const reply = await app.send({ type: "at", room, time });
  if (reply.type !== "place") return;
  if (reply.message) wanted.set({ room, message: reply.message });
  else toast(t("date.none"));
}
