// How far an own message got: saved here, held by some, held by all, read. A press says who.
import { h, icon, setIcon } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { others } from "../stores/select.js";
import { avatar } from "./avatar.js";
import { openPopover } from "./popover.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Member} Member */
/** @typedef {import("../backend/api").Room} Room */

const ICONS = { saved: "saved", heldBySome: "tick", heldByAll: "ticks", read: "read" };

export class DeliveryMark extends HTMLElement {
  /** @param {Message} message @param {Room} room */
  set(message, room) {
    this.message = message;
    this.room = room;
    if (!this.button) {
      this.picture = icon("saved", "mark-icon");
      this.button = h("button", { type: "button", class: "delivery", tabindex: "-1", "aria-haspopup": "dialog", onclick: () => this.open() }, this.picture);
      this.append(this.button);
    }
    const state = message.delivery?.state ?? "saved";
    const label = deliveryWords(message, room);
    this.dataset.state = state;
    if (this.picture) setIcon(this.picture, ICONS[state]);
    this.button.setAttribute("aria-label", label);
    this.button.title = label;
  }

  open() {
    if (this.message && this.room && this.button) openDelivery(this.button, this.message, this.room);
  }
}

/** @param {Message} message @param {Room} room */
function deliveryWords({ delivery }, room) {
  if (!delivery || delivery.of === 0) return t("delivery.alone");
  if (delivery.state === "saved") return t("delivery.saved");
  if (delivery.state === "read") return t("delivery.readBy", { count: delivery.readBy.length, of: delivery.of });
  if (delivery.state === "heldByAll" && others(room).length > 1) return t("delivery.heldByAll");
  return t("delivery.heldBy", { count: delivery.heldBy.length, of: delivery.of });
}

/** @param {Element} anchor @param {Message} message @param {Room} room */
export function openDelivery(anchor, message, room) {
  const { heldBy = [], readBy = [] } = message.delivery ?? {};
  const members = others(room);
  const read = members.filter((m) => readBy.includes(m.device));
  const held = members.filter((m) => heldBy.includes(m.device) && !readBy.includes(m.device));
  const waiting = members.filter((m) => !read.includes(m) && !held.includes(m));
  openPopover(anchor, { label: t("delivery.title"), className: "delivery-card" }, h("h2", { text: t("delivery.title") }), h("p", { class: "quiet", text: deliveryWords(message, room) }),
    group("read", t("delivery.read"), read), group("ticks", t("delivery.held"), held), group("saved", t("delivery.waiting"), waiting));
}

/** @param {string} iconName @param {string} title @param {Member[]} members */
function group(iconName, title, members) {
  if (members.length === 0) return "";
  return h("section", null, h("h3", null, icon(iconName, "mark-icon"), title), h("ul", { class: "faces" }, ...members.map((m) => h("li", null, avatar(m, "tiny"), h("bdi", { text: m.name })))));
}

customElements.define("natter-delivery", DeliveryMark);
