// A quoted message above an answer; a press goes to it.
import { app } from "../stores/app.js";
import { h, icon } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { personOf } from "../stores/select.js";
import { gist } from "./message-body.js";

/** @typedef {import("../backend/api").Room} Room */

/** @param {Room} room @param {string} id */
export function quoteWords(room, id) {
  const message = app.state.value.timelines[room.id]?.messages.find((m) => m.id === id);
  if (!message) return { hue: "", parts: [h("span", { class: "quote-text", text: t("quote.older") })] };
  const person = personOf(room, message.author);
  const isPicture = message.body.type === "picture";
  return {
    hue: String(person.hue),
    parts: [h("bdi", { class: "quote-author", text: person.name }), h("span", { class: "quote-text", dir: "auto" }, isPicture ? icon("picture", "icon inline") : null, gist(message, room))],
  };
}

/** @param {Room} room @param {string} id */
export function quote(room, id) {
  const { hue, parts } = quoteWords(room, id);
  const jump = (/** @type {Event} */ event) => event.currentTarget?.dispatchEvent(new CustomEvent("jump", { bubbles: true, detail: id }));
  return h("button", { type: "button", class: "quote", "data-hue": hue || null, onclick: jump, title: t("quote.jump") }, ...parts);
}
