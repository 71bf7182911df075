// What is pinned, above the messages: a press goes there and steps on to the one before; the list has them all.
import { app } from "../stores/app.js";
import { loadPins, pins, wanted } from "../stores/live.js";
import { personOf, roomOf } from "../stores/select.js";
import { h, icon, iconButton, setText } from "../lib/dom.js";
import { dateTime } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { avatar } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { togglePin } from "./message-acts.js";
import { gist } from "./message-body.js";
import { View } from "./view.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Room} Room */

class PinsBar extends View {
  /** Which one is shown. */
  at = 0;

  sources() {
    return [app.state, pins];
  }

  build() {
    this.room = this.dataset.room ?? "";
    this.className = "pins";
    this.steps = h("span", { class: "pin-steps", "aria-hidden": "true" });
    this.name = h("span");
    this.words = h("span", { class: "pin-words", dir: "auto" });
    this.press = h("button", { type: "button", class: "pin-go", onclick: () => this.go() }, this.steps, h("span", { class: "pin-text" }, h("span", { class: "pin-title" }, icon("pin", "icon inline"), this.name), this.words));
    this.append(this.press, iconButton("list", t("pin.list"), () => this.openList()));
    loadPins(this.room);
  }

  /** @returns {Message[]} */
  get pinned() {
    return pins.value[this.room ?? ""] ?? [];
  }

  update() {
    const room = roomOf(this.room ?? null);
    const all = this.pinned;
    this.hidden = !room || all.length === 0;
    if (!room || all.length === 0 || !this.words || !this.steps || !this.name) return;
    if (this.at >= all.length) this.at = 0;
    const message = all[this.at];
    setText(this.name, all.length > 1 ? t("pin.nth", { n: this.at + 1, count: all.length }) : t("pin.one"));
    setText(this.words, t("preview.text", { name: message.own ? t("you") : personOf(room, message.author).name, text: gist(message, room) }));
    this.steps.replaceChildren(...all.slice(0, 4).map((_, i) => h("i", { "data-on": i === Math.min(this.at, 3) })));
  }

  go() {
    const message = this.pinned[this.at];
    if (!message) return;
    wanted.set({ room: this.room ?? "", message: message.id });
    this.at = (this.at + 1) % this.pinned.length;
    this.update();
  }

  openList() {
    const room = roomOf(this.room ?? null);
    if (!room) return;
    const rows = this.pinned.map((message) => pinRow(message, room, () => (close(), wanted.set({ room: room.id, message: message.id }))));
    const { close } = openDialog({ title: t("pin.list"), body: [h("ul", { class: "pin-list" }, rows)] });
  }
}

/** @param {Message} message @param {Room} room @param {() => void} go */
function pinRow(message, room, go) {
  const person = personOf(room, message.author);
  const row = h("li", { class: "pin-row" }, h("button", { type: "button", class: "hit", onclick: go }, avatar(person, "small"), h("span", { class: "hit-words" }, h("span", { class: "hit-head" }, h("bdi", { class: "name", text: person.name }), h("time", { datetime: new Date(message.time).toISOString(), text: dateTime(message.time) })), h("span", { class: "hit-text", dir: "auto", text: gist(message, room) }))));
  if (room.standing === "member") row.append(iconButton("close", t("message.unpin"), () => (togglePin(message, room), row.remove())));
  return row;
}

customElements.define("natter-pins", PinsBar);
