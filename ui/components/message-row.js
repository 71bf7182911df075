// One message: who, what, when, and for own ones how far it got. Every message carries its sender's name and time, also
// where a group shows them once.
import { app } from "../stores/app.js";
import { h, icon, iconButton, setText } from "../lib/dom.js";
import { clock, fullDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { memberOf, personOf, roomOf } from "../stores/select.js";
import { avatar, fill } from "./avatar.js";
import { DeliveryMark } from "./delivery-mark.js";
import { openEdits } from "./edits-dialog.js";
import { openPicker } from "./emoji-picker.js";
import { longPress } from "./long-press.js";
import { askToDelete, mayDelete, mayEdit, mayReact, startEdit, startReply, toggleReaction } from "./message-acts.js";
import { bodyWords, isThere, mentionsIn, wordsIn } from "./message-body.js";
import { openMessageMenu } from "./message-menu.js";
import { verifiedMark } from "./person-marks.js";
import { openPerson } from "./person-card.js";
import { PictureBox } from "./picture-box.js";
import { quote } from "./quote.js";
import { Reactions } from "./reactions.js";
import { MAC } from "./shortcuts.js";

/** @typedef {import("../backend/api").Room} Room */
/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../lib/rows.js").MessageRow} Row */

const FEW_EMOJI = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*\s?){1,3}$/u;

export class MessageRow extends HTMLElement {
  /** @type {Row | null} */
  row = null;
  /** The message that this one answers, where it is loaded. @type {Message | undefined} */
  quoted = undefined;
  /** What the people are called that it names. */
  names = "";
  /** @type {HTMLElement | undefined} */
  mark = undefined;

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
    this.toggleAttribute("data-names-me", message.namesMe && isThere(message));
    this.dataset.hue = String(person.hue);
    if (this.face) fill(this.face, `${person.name} ${person.avatar}`, () => avatar(person, "small"));
    if (this.face) this.face.title = person.name;
    if (this.author) setText(this.author, person.name);
    this.setVerified(!person.own && (memberOf(room, message.author)?.verified ?? false));
    if (this.you) setText(this.you, person.own ? t("message.you") : message.namesMe ? t("message.namesYou") : "");
    const quoted = message.replyTo ? app.state.value.timelines[room.id]?.messages.find((m) => m.id === message.replyTo) : undefined;
    const names = mentionsIn(message).map((m) => personOf(room, m.device).name).join("\n");
    if (before !== message || quoted !== this.quoted || names !== this.names) this.setContent(message, before, room);
    this.quoted = quoted;
    this.names = names;
    this.setTools(message, room);
    this.reactions?.set(message, room);
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
    this.marks = h("span", { class: "marks" });
    this.meta = h("span", { class: "meta" }, this.marks, this.time);
    if (message.own && !message.elsewhere) this.meta.append((this.delivery = new DeliveryMark()));
    this.bubble = h("div", { class: "bubble" }, h("div", { class: "from" }, this.author, this.you), this.body);
    this.reactions = new Reactions();
    const opener = (/** @type {Event} */ event) => /** @type {Element} */ (event.currentTarget);
    this.react = iconButton("smile", t("message.react"), (event) => openPicker(opener(event), (emoji) => this.with((m, room) => toggleReaction(m, room, emoji))), { tabindex: "-1", "aria-haspopup": "dialog" });
    this.answer = iconButton("reply", t("message.reply"), () => this.reply(), { tabindex: "-1" });
    this.edit = iconButton("edit", t("message.edit"), () => this.with(startEdit), { tabindex: "-1" });
    this.tools = h("div", { class: "tools" }, this.react, this.answer, this.edit, iconButton("more", t("message.more"), (event) => this.openMenu(opener(event)), { tabindex: "-1", "aria-haspopup": "menu" }));
    this.append(this.face, this.bubble, this.tools, this.reactions);
    this.setAttribute("aria-labelledby", `a-${message.id}`);
    this.addEventListener("contextmenu", (event) => this.onContextMenu(event));
    this.addEventListener("keydown", (event) => this.onKey(event));
    longPress(this, () => this.openMenu(this));
  }

  /** @param {boolean} on */
  setVerified(on) {
    if (on && !this.mark) this.author?.after((this.mark = verifiedMark()));
    if (!on && this.mark) this.mark = void this.mark.remove();
  }

  /** @param {Message} message @param {Message | undefined} before @param {Room} room */
  setContent(message, before, room) {
    const { body } = message;
    if (body.type === "picture" && this.picture) this.picture.set(message);
    // A picture that only moved on keeps its place in the page, and the focus that may be in it.
    if (before?.body.type === "picture" && body.type === "picture" && before.body.caption === body.caption && before.edited === message.edited && !message.replyTo) return;
    const bubble = /** @type {HTMLElement} */ (this.bubble);
    bubble.toggleAttribute("data-picture", body.type === "picture");
    bubble.toggleAttribute("data-emoji", body.type === "text" && !message.replyTo && FEW_EMOJI.test(body.text));
    bubble.toggleAttribute("data-bare", body.type === "picture" && !body.caption);
    bubble.toggleAttribute("data-tombstone", !isThere(message));
    this.setMarks(message, room);
    if (body.type !== "picture") this.picture = undefined;
    else if (!this.picture) (this.picture = new PictureBox()).set(message);
    const words = bodyWords(message, room, /** @type {HTMLElement} */ (this.meta));
    const answered = message.replyTo && isThere(message) ? quote(room, message.replyTo) : null;
    this.body?.replaceChildren(...[answered, this.picture ?? null, words].filter((part) => part !== null));
  }

  /** What stands before the time: that it was changed, that it will go. @param {Message} message @param {Room} room */
  setMarks(message, room) {
    /** @type {Node[]} */
    const marks = [];
    const there = isThere(message);
    if (there && message.edited !== null) marks.push(h("button", { type: "button", class: "edited", tabindex: "-1", "aria-haspopup": "dialog", title: t("edits.at", { time: fullDate(message.edited) }), onclick: () => openEdits(room, message.id) }, t("message.edited")));
    const goes = there && message.expires !== null ? t("message.goes", { time: fullDate(message.expires) }) : "";
    if (goes) marks.push(h("span", { class: "goes", title: goes }, icon("clock"), h("span", { class: "sr-only", text: goes })));
    this.marks?.replaceChildren(...marks);
  }

  /** @param {Message} message @param {Room} room */
  setTools(message, room) {
    const may = mayReact(message, room);
    if (this.tools) this.tools.hidden = !may && !wordsIn(message);
    if (this.react) this.react.hidden = !may;
    if (this.answer) this.answer.hidden = !may;
    if (this.edit) this.edit.hidden = !mayEdit(message, room);
  }

  /** @param {(message: Message, room: Room) => unknown} act */
  with(act) {
    const room = roomOf(this.room ?? null);
    if (room && this.row) act(this.row.message, room);
  }

  openAuthor() {
    this.with((message, room) => this.face && openPerson(this.face, room, message.author));
  }

  reply() {
    this.with((message, room) => mayReact(message, room) && startReply(message));
  }

  /** @param {Element} anchor @param {{x: number, y: number}} [at] */
  openMenu(anchor, at) {
    this.with((message, room) => (isThere(message) || message.delivery) && openMessageMenu(anchor, this, message, room, at));
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
    const key = event.key.toLowerCase();
    if (key === "enter" || key === " ") this.openMenu(this);
    else if (key === "r") this.reply();
    else if (key === "e") this.with((message, room) => mayEdit(message, room) && startEdit(message));
    else if (key === "+") this.with((message, room) => mayReact(message, room) && openPicker(this, (emoji) => toggleReaction(message, room, emoji)));
    else if (key === "delete" || (MAC && key === "backspace")) this.with((message, room) => mayDelete(message, room) && askToDelete(message, room));
    else return;
    event.preventDefault();
  }
}

customElements.define("natter-message", MessageRow);
