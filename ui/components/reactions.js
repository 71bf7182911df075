// The signs under a message: how many of each, which are one's own, who gave them.
import { h, iconButton, reconcile, setText } from "../lib/dom.js";
import { list, t } from "../lib/i18n.js";
import { personOf } from "../stores/select.js";
import { avatar } from "./avatar.js";
import { openPicker } from "./emoji-picker.js";
import { longPress } from "./long-press.js";
import { mayReact, toggleReaction } from "./message-acts.js";
import { openPopover } from "./popover.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Reaction} Reaction */
/** @typedef {import("../backend/api").Room} Room */

/** Names that a tooltip holds. */
const MAX_NAMES = 12;

export class Reactions extends HTMLElement {
  /** @param {Message} message @param {Room} room */
  set(message, room) {
    this.message = message;
    this.room = room;
    const shown = message.reactions.length > 0 && message.body.type !== "deleted" && message.body.type !== "expired";
    this.hidden = !shown;
    if (!shown && !this.chips) return;
    if (!this.chips) this.build();
    const may = mayReact(message, room);
    if (this.add) this.add.hidden = !may;
    reconcile(/** @type {HTMLElement} */ (this.chips), message.reactions, (r) => r.emoji, (r) => this.makeChip(r.emoji), (chip, reaction) => this.updateChip(chip, reaction, may));
  }

  build() {
    this.className = "reactions";
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", t("react.label"));
    this.chips = h("div", { class: "chips" });
    this.add = iconButton("smile", t("message.react"), (event) => openPicker(/** @type {Element} */ (event.currentTarget), (emoji) => this.toggle(emoji)), { class: "reaction add", tabindex: "-1", "aria-haspopup": "dialog" });
    this.append(this.chips, this.add);
  }

  /** @param {string} emoji */
  makeChip(emoji) {
    const chip = h("button", { type: "button", class: "reaction", tabindex: "-1", onclick: () => this.toggle(emoji) }, h("span", { class: "reaction-pill" }, h("span", { class: "reaction-emoji", text: emoji }), h("span", { class: "reaction-count" })), h("span", { class: "sr-only reaction-by" }));
    longPress(chip, () => this.openWho(chip));
    chip.addEventListener("contextmenu", (event) => (event.preventDefault(), event.stopPropagation(), this.openWho(chip)));
    return chip;
  }

  /** @param {HTMLElement} chip @param {Reaction} reaction @param {boolean} may */
  updateChip(chip, reaction, may) {
    setText(/** @type {Element} */ (chip.querySelector(".reaction-count")), String(reaction.by.length));
    chip.setAttribute("aria-pressed", String(reaction.own));
    chip.toggleAttribute("aria-disabled", !may);
    const names = this.who(reaction);
    chip.title = t("react.by", { emoji: reaction.emoji, names });
    setText(/** @type {Element} */ (chip.querySelector(".reaction-by")), t("react.from", { names }));
  }

  /** @param {Reaction} reaction */
  who({ by }) {
    const room = /** @type {Room} */ (this.room);
    const names = by.slice(0, MAX_NAMES).map((device) => (personOf(room, device).own ? t("you") : personOf(room, device).name));
    const rest = by.length - names.length;
    return list(rest > 0 ? [...names, t("react.others", { count: rest })] : names);
  }

  /** @param {Element} anchor */
  openWho(anchor) {
    if (this.message && this.room) openWho(anchor, this.message, this.room);
  }

  /** @param {string} emoji */
  toggle(emoji) {
    if (this.message && this.room && mayReact(this.message, this.room)) toggleReaction(this.message, this.room, emoji);
  }
}

/** Everybody who reacted, by sign. @param {Element} anchor @param {Message} message @param {Room} room */
export function openWho(anchor, message, room) {
  const groups = message.reactions.map(({ emoji, by }) => h("section", null, h("h3", null, h("span", { class: "reaction-emoji", text: emoji }), h("span", { class: "tabular", text: String(by.length) })),
    h("ul", { class: "faces" }, by.map((device) => h("li", null, avatar(personOf(room, device), "tiny"), h("bdi", { text: personOf(room, device).name }))))));
  openPopover(anchor, { label: t("react.label"), className: "delivery-card" }, h("h2", { text: t("react.label") }), ...groups);
}

customElements.define("natter-reactions", Reactions);
