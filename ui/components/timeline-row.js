// A row of the timeline: a message, a run of system lines, or the unread line.
import { h, icon } from "../lib/dom.js";
import { clock, fullDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { MessageRow } from "./message-row.js";
import { doubleOf, memberOf } from "../stores/select.js";
import { openPerson } from "./person-card.js";
import { systemText } from "./system-text.js";

/** @typedef {import("../lib/rows.js").Row} Row */
/** @typedef {import("../backend/api").Room} Room */

/** More lines than this fold into one. */
const FOLD_ABOVE = 3;

/** @param {Row} row @returns {HTMLElement} */
export function makeRow(row) {
  if (row.kind === "message") return new MessageRow();
  if (row.kind === "unread") return h("div", { class: "unread-line", role: "separator", "aria-label": t("timeline.unread") }, h("span", { text: t("timeline.unread") }));
  return h("div", { class: "system" });
}

/** @param {HTMLElement} element @param {Row} row @param {Room} room */
export function updateRow(element, row, room) {
  if (row.kind === "message") /** @type {MessageRow} */ (element).set(row, room);
  if (row.kind === "system") updateSystem(element, row.messages, room);
}

/** @param {HTMLElement} element @param {import("../lib/rows.js").Message[]} messages @param {Room} room */
function updateSystem(element, messages, room) {
  const texts = messages.map((message) => systemText(message, room));
  const doubles = messages.map(({ body }) => (body.type === "joined" ? doubleOf(room, memberOf(room, body.device)) : null));
  const key = texts.map((text, i) => `${text}${doubles[i] ? "!" : ""}`).join("\n");
  if (element.dataset.shown === key) return;
  element.dataset.shown = key;
  const loud = messages.flatMap(({ body }, i) => (body.type === "joined" && doubles[i] ? [warning(room, body.device, doubles[i].name, messages[i])] : []));
  const lines = messages.flatMap((message, i) => (doubles[i] ? [] : [h("p", { class: "system-line" }, h("span", { text: texts[i] }), time(message))]));
  if (lines.length <= FOLD_ABOVE) return element.replaceChildren(...lines, ...loud);
  const open = element.querySelector("details")?.open ?? false;
  const summary = h("summary", null, h("span", { text: t("system.many", { count: lines.length }) }), icon("next", "icon fold"));
  element.replaceChildren(h("details", { open }, summary, ...lines), ...loud);
}

/** @param {import("../lib/rows.js").Message} message */
const time = (message) => h("time", { datetime: new Date(message.time).toISOString(), title: fullDate(message.time), text: clock(message.time) });

/** Never folds: somebody came in under a name that was somebody else's. @param {Room} room @param {string} device @param {string} earlier @param {import("../lib/rows.js").Message} message */
function warning(room, device, earlier, message) {
  const name = memberOf(room, device)?.name ?? "";
  const look = h("button", { type: "button", class: "button", "aria-haspopup": "dialog", onclick: () => openPerson(look, room, device) }, t("double.look"));
  return h("div", { class: "system-loud", role: "note" }, icon("warn"), h("p", null, h("span", { text: t("double.joined", { name, earlier }) }), time(message)), look);
}
