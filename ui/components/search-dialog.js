// Finding what was said: in one room or in all of them, by words or by date. A hit leads to its message.
import { app } from "../stores/app.js";
import { wanted } from "../stores/live.js";
import { openRoom } from "../stores/route.js";
import { Search } from "../stores/search.js";
import { personOf, roomOf } from "../stores/select.js";
import { button, h, icon, iconButton, setText } from "../lib/dom.js";
import { words as errorWords } from "../lib/errors.js";
import { dateTime, fullDate } from "../lib/format.js";
import { snippet } from "../lib/highlight.js";
import { t } from "../lib/i18n.js";
import { plain } from "../lib/markdown.js";
import { avatar } from "./avatar.js";
import { openDate } from "./date-dialog.js";
import { show } from "./dialog.js";
import { mentionsIn, wordsIn } from "./message-body.js";

/** @typedef {import("../backend/api").Hit} Hit */
/** @typedef {import("../stores/search.js").Found} Found */

/** @param {string | null} room where the person is: it can be searched by itself */
export function openSearch(room) {
  const here = roomOf(room);
  const search = new Search((command) => app.send(command));
  let only = here !== null;
  const input = h("input", { type: "search", class: "input", "aria-label": t("search.label"), placeholder: t("search.label"), autofocus: true, autocomplete: "off", spellcheck: "false", enterkeyhint: "search", dir: "auto" });
  const scope = h("div", { class: "scope", role: "group", "aria-label": t("search.where") });
  const status = h("p", { class: "search-status", role: "status" });
  const list = h("ul", { class: "search-list" });
  const more = button(t("search.more"), () => search.more(), { class: "button", hidden: true });
  const date = here ? iconButton("calendar", t("date.title"), () => (dialog.close(), openDate(here.id)), { "aria-haspopup": "dialog" }) : null;
  const field = h("div", { class: "jump-field" }, icon("search"), input, date, iconButton("close", t("close"), () => dialog.close()));
  const dialog = h("dialog", { class: "dialog jump search", "aria-label": t("search.label") }, h("div", { class: "dialog-sheet" }, field, scope, h("div", { class: "search-found" }, status, list, more)));

  const ask = () => search.ask(input.value, only && here ? here.id : null);
  const drawScope = () => {
    scope.hidden = !here;
    if (here) scope.replaceChildren(...[true, false].map((one) => h("button", { type: "button", class: "scope-choice", "aria-pressed": String(one === only), onclick: () => ((only = one), drawScope(), ask(), input.focus()) }, h("span", { dir: "auto", text: one ? t("search.here", { room: here.name }) : t("search.everywhere") }))));
  };
  const go = (/** @type {Hit} */ { room: to, message }) => {
    dialog.close();
    wanted.set({ room: to, message: message.id, query: search.value.question.query });
    openRoom(to);
  };
  const stop = search.watch((found) => {
    list.replaceChildren(...found.hits.map((hit) => hitRow(hit, found.question, go)));
    more.hidden = !found.next;
    setText(status, statusWords(found));
    status.classList.toggle("sr-only", found.hits.length > 0);
  });
  input.addEventListener("input", ask);
  dialog.addEventListener("keydown", (event) => move(event, input, list));
  drawScope();
  setText(status, t("search.hint"));
  show(dialog, () => (stop(), search.stop()));
}

/** @param {Found} found */
function statusWords({ phase, hits, next, error }) {
  if (phase === "idle") return t("search.hint");
  if (phase === "failed") return errorWords(error);
  if (phase === "asking") return hits.length > 0 ? "" : t("search.asking");
  if (hits.length === 0) return t("search.none");
  return t(next ? "search.countMore" : "search.count", { count: hits.length });
}

/** @param {Hit} hit @param {import("../stores/search.js").Question} question @param {(hit: Hit) => void} go */
function hitRow(hit, { query, room: only }, go) {
  const { message } = hit;
  const room = roomOf(hit.room);
  if (!room) return h("li");
  const person = personOf(room, message.author);
  const text = plain(wordsIn(message), mentionsIn(message), (device) => `@${personOf(room, device).name}`);
  const words = snippet(text, query).map((part) => (part.hit ? h("mark", { text: part.text }) : part.text));
  const where = only ? null : h("span", { class: "hit-room", dir: "auto", text: t("search.in", { room: room.name }) });
  return h("li", null, h("button", { type: "button", class: "hit", onclick: () => go(hit) }, avatar(person, "small"), h("span", { class: "hit-words" },
    h("span", { class: "hit-head" }, h("bdi", { class: "name", text: person.own ? t("you") : person.name }), h("time", { datetime: new Date(message.time).toISOString(), title: fullDate(message.time), text: dateTime(message.time) })),
    where, h("span", { class: "hit-text", dir: "auto" }, message.body.type === "picture" ? icon("picture", "icon inline") : null, words))));
}

/** Arrows lead from the field through the hits and back; Enter takes the first. @param {KeyboardEvent} event @param {HTMLElement} input @param {HTMLElement} list */
function move(event, input, list) {
  const all = [...list.querySelectorAll("button")];
  if (event.key === "Enter" && event.target === input && !event.isComposing) return void (event.preventDefault(), all[0]?.click());
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const at = all.indexOf(/** @type {any} */ (document.activeElement));
  if (at < 0 && document.activeElement !== input) return;
  const next = at + step < 0 ? input : all[at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
