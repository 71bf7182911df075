// One message: who, what, when, and for own ones how far it got. Every message carries its sender's name and time, also
// where a group shows them once.
import { app } from "../stores/app.js";
import { h, icon, iconButton, setText } from "../lib/dom.js";
import { clock, fullDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { roomOf, personOf } from "../stores/select.js";
import { avatar, fill } from "./avatar.js";
import { DeliveryMark } from "./delivery-mark.js";
import { openMessageMenu } from "./message-menu.js";
import { openPerson } from "./person-card.js";
import { PictureBox } from "./picture-box.js";
import { quote } from "./quote.js";
import { richText } from "./rich-text.js";

/** @typedef {import("../backend/api").Room} Room */
/** @typedef {import("../lib/rows.js").MessageRow} Row */

const LONG_PRESS_MS = 450;
const LONG_PRESS_SLOP_PX = 10;
const FEW_EMOJI = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*\s?){1,3}$/u;

export class MessageRow extends HTMLElement {
  /** @type {Row | null} */
  row = null;
  /** Whether the message that this one answers is loaded. */
  quoteKnown = true;

  /** @param {Row} row @param {Room} room */
  set(row, room) {
    const { message } = row;
    const before = this.row?.message;
    if (!this.firstChild) this.build(row);
    this.row = row;
    this.room = room.id;
    const person = personOf(room, message.author);
    this.toggleAttribute("data-head", row.head);
    this.toggleAttribute("data-tail", row.tail);
    this.dataset.hue = String(person.hue);
    if (this.face) fill(this.face, `${person.name} ${person.avatar}`, () => avatar(person, "small"));
    if (this.face) this.face.title = person.name;
    if (this.author) setText(this.author, person.name);
    if (this.you) setText(this.you, person.own ? t("message.you") : "");
    const quoteKnown = !message.replyTo || app.knows(room.id, message.replyTo);
    if (before !== message || quoteKnown !== this.quoteKnown) this.setContent(row, room);
    this.quoteKnown = quoteKnown;
    this.delivery?.set(message, room);
  }

  /** @param {Row} row */
  build({ message }) {
    this.className = "message";
    this.setAttribute("role", "article");
    this.dataset.message = message.id;
    this.toggleAttribute("data-own", message.own);
    this.face = h("button", { type: "button", class: "face", tabindex: "-1", "aria-hidden": "true", onclick: () => this.openAuthor() });
    this.author = h("bdi", { class: "author", id: `a-${message.id}` });
    this.you = h("span", { class: "sr-only" });
    this.body = h("div", { class: "body" });
    this.time = h("time", { class: "time", datetime: new Date(message.time).toISOString(), title: fullDate(message.time) }, h("span", { "aria-hidden": "true", text: clock(message.time) }), h("span", { class: "sr-only", text: fullDate(message.time) }));
    this.meta = h("span", { class: "meta" }, this.time);
    if (message.own) this.meta.append((this.delivery = new DeliveryMark()));
    this.bubble = h("div", { class: "bubble" }, h("div", { class: "from" }, this.author, this.you), this.body);
    const tools = h("div", { class: "tools" }, iconButton("reply", t("message.reply"), () => this.reply(), { tabindex: "-1" }), iconButton("more", t("message.more"), (event) => this.openMenu(/** @type {Element} */ (event.currentTarget)), { tabindex: "-1" }));
    this.append(this.face, this.bubble, tools);
    this.setAttribute("aria-labelledby", `a-${message.id}`);
    this.addEventListener("contextmenu", (event) => this.onContextMenu(event));
    this.addEventListener("keydown", (event) => this.onKey(event));
    this.addEventListener("pointerdown", (event) => this.onPress(event));
  }

  /** @param {Row} row @param {Room} room */
  setContent({ message }, room) {
    const { body } = message;
    if (body.type === "picture" && this.picture) return this.picture.set(message);
    this.picture = undefined;
    /** @type {(Node | null)[]} */
    const parts = [message.replyTo ? quote(room, message.replyTo) : null];
    const bubble = /** @type {HTMLElement} */ (this.bubble);
    bubble.toggleAttribute("data-picture", body.type === "picture");
    bubble.toggleAttribute("data-emoji", body.type === "text" && !message.replyTo && FEW_EMOJI.test(body.text));
    bubble.toggleAttribute("data-bare", body.type === "picture" && !body.caption);
    const meta = /** @type {HTMLElement} */ (this.meta);
    if (body.type === "picture") {
      this.picture = new PictureBox();
      this.picture.set(message);
      parts.push(this.picture, body.caption ? richText(body.caption, meta) : meta);
    } else if (body.type === "text") {
      parts.push(richText(body.text, meta));
    } else {
      parts.push(h("p", { class: "text unknown", dir: "auto" }, icon("warn"), t("message.unknown"), meta));
    }
    this.body?.replaceChildren(...parts.filter((part) => part !== null));
  }

  openAuthor() {
    const room = roomOf(this.room ?? null);
    if (room && this.row && this.face) openPerson(this.face, room, this.row.message.author);
  }

  reply() {
    if (!this.row) return;
    document.querySelector("natter-composer")?.dispatchEvent(new CustomEvent("reply", { detail: this.row.message.id }));
  }

  /** @param {Element} anchor @param {{x: number, y: number}} [at] */
  openMenu(anchor, at) {
    const room = roomOf(this.room ?? null);
    if (room && this.row) openMessageMenu(anchor, this, this.row.message, room, at);
  }

  /** @param {MouseEvent} event */
  onContextMenu(event) {
    if (event.target instanceof Element && event.target.closest("a, input, textarea")) return;
    if (getSelection()?.toString()) return; // The browser's own menu copies what is selected.
    event.preventDefault();
    const keyboard = event.clientX === 0 && event.clientY === 0;
    this.openMenu(this, keyboard ? undefined : { x: event.clientX, y: event.clientY });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.target !== this || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") this.openMenu(this);
    else if (event.key === "r" || event.key === "R") this.reply();
    else return;
    event.preventDefault();
  }

  /** Touch has no hover: a long press opens the menu, with the full date. @param {PointerEvent} press */
  onPress(press) {
    if (press.pointerType !== "touch") return;
    const aborter = new AbortController();
    const stop = () => (clearTimeout(timer), aborter.abort());
    const timer = setTimeout(() => {
      stop();
      // Letting go is not a press as well.
      addEventListener("touchend", (event) => event.preventDefault(), { once: true, passive: false });
      this.openMenu(this);
    }, LONG_PRESS_MS);
    const { signal } = aborter;
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, stop, { signal });
    addEventListener("pointermove", (move) => {
      if (Math.hypot(move.clientX - press.clientX, move.clientY - press.clientY) > LONG_PRESS_SLOP_PX) stop();
    }, { signal });
  }
}

customElements.define("natter-message", MessageRow);
