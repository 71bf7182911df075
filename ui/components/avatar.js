// A person's picture, or their letters on a colour that comes from their key; a room's letters on a rounded square.
import { app } from "../stores/app.js";
import { h } from "../lib/dom.js";
import { initials } from "../lib/format.js";
import { roomHue } from "../stores/select.js";

/** @param {{name: string, hue: number, avatar: string | null}} person @param {string} [size] small, medium, large, huge */
export function avatar(person, size = "medium") {
  const box = h("span", { class: `avatar ${size}`, "data-hue": person.hue, "aria-hidden": "true" });
  box.dataset.letters = initials(person.name) || "?";
  if (person.avatar) {
    const picture = h("img", { src: app.port?.mediaUrl(person.avatar), alt: "", draggable: "false" });
    picture.addEventListener("error", () => picture.remove(), { once: true });
    box.append(picture);
  }
  return box;
}

/** @param {{id: string, name: string}} room @param {string} [size] */
export function roomAvatar(room, size = "medium") {
  return h("span", { class: `avatar room ${size}`, "data-hue": roomHue(room.id), "data-letters": initials(room.name) || "#", "aria-hidden": "true" });
}

/** Replaces the avatar in `slot` only when what it shows differs. @param {HTMLElement} slot @param {string} key @param {() => HTMLElement} make */
export function fill(slot, key, make) {
  if (slot.dataset.shown === key) return;
  slot.dataset.shown = key;
  slot.replaceChildren(make());
}
