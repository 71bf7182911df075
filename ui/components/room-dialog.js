// What an admin may change about a room: its name, what it is for, how long messages stay.
import { app } from "../stores/app.js";
import { button, h } from "../lib/dom.js";
import { words } from "../lib/errors.js";
import { duration } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { openDialog } from "./dialog.js";
import { busy, field, select } from "./form.js";

/** @typedef {import("../backend/api").Room} Room */

const HOUR = 3600;
const DAY = 24 * HOUR;
/** How long messages may live, in seconds; 0 = they stay. */
const LIVES = [0, 30 * 60, HOUR, 8 * HOUR, DAY, 7 * DAY, 28 * DAY, 90 * DAY];
/** Bytes of UTF-8 that a room may say about itself. */
export const MAX_ABOUT_BYTES = 1_024;

/** @param {Room} room */
export function openRoomDialog(room) {
  const lives = LIVES.includes(room.lives) ? LIVES : [...LIVES, room.lives].sort((a, b) => a - b);
  const name = field(t("create.name"), h("input", { type: "text", maxlength: "128", autocomplete: "off", dir: "auto", value: room.name, autofocus: true }));
  const about = field(t("edit.about"), h("textarea", { rows: "3", dir: "auto", value: room.about }), { hint: t("edit.aboutHint") });
  const life = field(t("edit.lives"), select(lives.map((s) => [String(s), s === 0 ? t("edit.stay") : duration(s)]), String(room.lives)), { hint: t("edit.livesHint") });
  const error = h("p", { class: "form-error", role: "alert" });
  const save = button(t("settings.save"), () => {}, { type: "submit", class: "button primary", form: "edit-room" });
  const form = h("form", { id: "edit-room", class: "fields", novalidate: true }, name.box, about.box, life.box, error);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = changed(room, { name: name.input.value.trim(), about: about.input.value.trim(), lives: Number(life.input.value) });
    if (wanted.name === "") return void (name.say(t("create.missing")), name.input.focus());
    if (new TextEncoder().encode(wanted.about ?? "").length > MAX_ABOUT_BYTES) return void (about.say(t("error.tooLong")), about.input.focus());
    try {
      if (Object.keys(wanted).length > 0) await busy(save, () => app.send({ type: "setRoom", room: room.id, ...wanted }));
      close();
    } catch (thrown) {
      error.textContent = words(thrown);
    }
  });
  const { close } = openDialog({ title: t("edit.title"), body: [form], actions: [button(t("cancel"), () => close()), save], size: "small" });
}

/** Only what differs: what somebody else changes meanwhile stays. @param {Room} room @param {{name: string, about: string, lives: number}} wanted @returns {{name?: string, about?: string, lives?: number}} */
export function changed(room, wanted) {
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => room[/** @type {keyof Room} */ (key)] !== value));
}
