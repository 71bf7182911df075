// What stands above the words that are being written: the message that they answer, or the one that they change.
import { app } from "../stores/app.js";
import { h, icon, iconButton } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { gist } from "./message-body.js";
import { quoteWords } from "./quote.js";

/** @typedef {import("../backend/api").Room} Room */
/** @typedef {import("../stores/drafts.js").Draft} Draft */

export class Above {
  /** What it was drawn of. @type {unknown} */
  shown = undefined;

  /** @param {() => void} letGo */
  constructor(letGo) {
    this.letGo = letGo;
    this.element = h("div", { class: "answering", hidden: true });
  }

  /** @param {Draft} draft @param {Room} room */
  set({ editing, replyTo }, room) {
    const id = editing?.message ?? replyTo;
    this.element.hidden = id === null;
    const message = id === null ? undefined : app.state.value.timelines[room.id]?.messages.find((m) => m.id === id);
    const shown = id === null ? "" : (message ?? id);
    const as = this.element.hasAttribute("data-edit");
    this.element.toggleAttribute("data-edit", editing !== null);
    if (shown === this.shown && as === (editing !== null)) return;
    this.shown = shown;
    if (id === null) return this.element.replaceChildren();
    const { hue, parts } = quoteWords(room, id);
    const edit = [h("span", { class: "quote-author" }, icon("edit", "icon inline"), t("composer.editing")), h("span", { class: "quote-text", dir: "auto", text: message ? gist(message, room) : "" })];
    this.element.replaceChildren(h("div", { class: "quote", "data-hue": (!editing && hue) || null }, ...(editing ? edit : parts)), iconButton("close", t(editing ? "composer.noEdit" : "composer.noReply"), this.letGo));
  }
}
