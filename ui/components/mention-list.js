// Whom an @ may mean: a list above the words, by arrow and Enter or by touch.
import { h } from "../lib/dom.js";
import { MAX_MENTIONS } from "../lib/marks.js";
import { asked, offer } from "../lib/mentions.js";
import { t } from "../lib/i18n.js";
import { others } from "../stores/select.js";
import { avatar } from "./avatar.js";

/** @typedef {import("../backend/api").Member} Member */
/** @typedef {import("../backend/api").Room} Room */

export class MentionList {
  /** @type {Member[]} */
  people = [];
  at = 0;
  start = 0;
  /** The place of an @ that was answered with Escape. */
  refused = -1;

  /** @param {HTMLTextAreaElement} text @param {(start: number, member: Member) => void} pick */
  constructor(text, pick) {
    this.text = text;
    this.pick = pick;
    this.box = h("div", { class: "mention-list", role: "listbox", id: "mention-list", "aria-label": t("mention.label"), hidden: true });
    text.setAttribute("aria-autocomplete", "list");
  }

  get open() {
    return !this.box.hidden;
  }

  /** After the words or the caret moved. @param {Room} room @param {number} named how many are named already */
  look(room, named) {
    const { selectionStart: caret, selectionEnd: end, value } = this.text;
    const ask = caret === end && named < MAX_MENTIONS ? asked(value, caret) : null;
    if (!ask) this.refused = -1;
    if (!ask || ask.start === this.refused) return this.close();
    const people = offer(others(room), ask.word);
    // A name that stands there in full is no question any more.
    if (people.length === 0 || /\s$/.test(ask.word)) return this.close();
    this.start = ask.start;
    if (people.map((p) => p.device).join() !== this.people.map((p) => p.device).join()) this.at = 0;
    this.people = people;
    this.draw();
  }

  draw() {
    this.box.hidden = false;
    this.box.replaceChildren(...this.people.map((member, i) => h("div", { role: "option", id: `mention-${i}`, class: "mention-hit", "aria-selected": String(i === this.at), onpointerdown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => this.take(i) }, avatar(member, "tiny"), h("bdi", { class: "name", text: member.name }))));
    this.box.children[this.at]?.scrollIntoView({ block: "nearest" });
    this.text.setAttribute("aria-controls", "mention-list");
    this.text.setAttribute("aria-activedescendant", `mention-${this.at}`);
  }

  close() {
    if (!this.open) return;
    this.box.hidden = true;
    this.box.replaceChildren();
    this.people = [];
    this.at = 0;
    this.text.removeAttribute("aria-activedescendant");
    this.text.removeAttribute("aria-controls");
  }

  /** @param {number} i */
  take(i) {
    const member = this.people[i];
    this.close();
    if (member) this.pick(this.start, member);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was for the list */
  key(event) {
    if (!this.open || event.ctrlKey || event.metaKey || event.altKey) return false;
    const count = this.people.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.at = (this.at + step + count) % count;
      this.draw();
    } else if (event.key === "Enter" || event.key === "Tab") {
      this.take(this.at);
    } else if (event.key === "Escape") {
      this.refused = this.start;
      this.close();
    } else {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
