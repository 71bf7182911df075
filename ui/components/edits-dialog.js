// What a message once said: every wording with its time, the one that is shown now last.
import { app } from "../stores/app.js";
import { h } from "../lib/dom.js";
import { fullDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { openDialog } from "./dialog.js";
import { wordsOf } from "./rich-text.js";

/** @typedef {import("../backend/api").Room} Room */

/** @param {Room} room @param {string} message */
export async function openEdits(room, message) {
  try {
    const reply = await app.send({ type: "edits", room: room.id, message });
    if (reply.type !== "edits") return;
    const rows = reply.wordings.map((wording, i, all) => h("li", { class: "wording", "aria-current": i === all.length - 1 ? "true" : null },
      h("p", { class: "wording-head" }, h("time", { datetime: new Date(wording.time).toISOString(), text: fullDate(wording.time) }), wordingName(i, all.length)),
      wording.text ? wordsOf(wording.text, wording.mentions, room) : h("p", { class: "quiet", text: t("edits.none") })));
    openDialog({ title: t("edits.title"), body: [h("p", { class: "quiet", text: t("edits.hint") }), h("ol", { class: "wordings", tabindex: "0" }, rows)] });
  } catch (thrown) {
    complain(thrown);
  }
}

/** @param {number} i @param {number} count */
function wordingName(i, count) {
  if (i === count - 1) return h("span", { class: "wording-name", text: t("edits.now") });
  return i === 0 ? h("span", { class: "wording-name", text: t("edits.first") }) : "";
}
