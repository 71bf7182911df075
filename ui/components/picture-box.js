// A picture in the timeline: a box of its true ratio from the first moment, blurred first, then the preview, then itself.
import { app } from "../stores/app.js";
import { h, icon, svg } from "../lib/dom.js";
import { size } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { complain, words } from "../lib/errors.js";
import { toCanvas } from "../lib/thumbhash.js";
import { openLightbox } from "./lightbox.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Picture} Picture */

/** The ring's radius in its own units; its stroke runs along it. */
const RING = 20;
const ROUND = 2 * Math.PI * RING;

export class PictureBox extends HTMLElement {
  /** @param {Message} message */
  set(message) {
    if (message.body.type !== "picture") return;
    this.message = message;
    const { picture } = message.body;
    if (!this.frame) this.build(picture);
    const { transfer } = picture;
    this.dataset.transfer = transfer.type;
    if (transfer.type === "here") this.showAll(picture);
    this.showTransfer(picture);
  }

  /** @param {Picture} picture */
  build(picture) {
    this.className = "picture";
    this.style.setProperty("--w", String(picture.width));
    this.style.setProperty("--ratio", String(picture.width / picture.height));
    this.frame = h("button", { type: "button", class: "picture-frame", tabindex: "-1", "aria-label": t("picture.open", { name: picture.name }), onclick: () => this.open() });
    const hash = toCanvas(picture.thumbhash);
    if (hash) {
      hash.className = "picture-hash";
      this.frame.append(hash);
    }
    if (picture.preview) this.frame.append(this.image(picture.preview, "picture-preview"));
    this.over = h("div", { class: "picture-over" });
    this.append(this.frame, this.over);
  }

  /** @param {string} path @param {string} className */
  image(path, className) {
    const img = h("img", { class: className, alt: "", decoding: "async", draggable: "false" });
    img.addEventListener("load", () => img.toggleAttribute("data-loaded", true), { once: true });
    img.src = app.port?.mediaUrl(path) ?? "";
    return img;
  }

  /** @param {Picture} picture */
  showAll(picture) {
    if (this.full || !this.frame) return;
    const full = this.image(picture.url, "picture-full");
    full.alt = picture.name;
    full.addEventListener("error", () => {
      this.full = undefined;
      full.remove();
    }, { once: true });
    this.full = full;
    this.frame.append(full);
  }

  /** @param {Picture} picture */
  showTransfer(picture) {
    const { transfer } = picture;
    if (!this.over) return;
    this.over.hidden = transfer.type === "here";
    switch (transfer.type) {
      case "here": return this.over.replaceChildren();
      case "offered": return this.over.replaceChildren(this.fetchButton("save", t("picture.fetch", { size: size(picture.size) })));
      case "waiting": return this.over.replaceChildren(h("span", { class: "picture-note" }, icon("clock"), h("span", { text: t("picture.waiting") })));
      case "failed": return this.over.replaceChildren(h("div", { class: "picture-failed" }, h("span", { class: "picture-note", title: words(transfer) }, icon("warn"), t(`picture.${transfer.code === "diskFull" ? "failedFull" : "failed"}`)), this.fetchButton("retry", t("picture.again"))));
      case "progress": return this.showProgress(transfer.have, picture.size);
    }
  }

  /** @param {string} iconName @param {string} label */
  fetchButton(iconName, label) {
    const fetchIt = () => app.send({ type: "fetchBlob", room: this.room, message: this.message?.id ?? "" }).catch(complain);
    return h("button", { type: "button", class: "picture-note action", onclick: fetchIt }, icon(iconName), h("span", { text: label }));
  }

  get room() {
    return this.closest("natter-messages")?.getAttribute("data-room") ?? "";
  }

  /** @param {number} have @param {number} all */
  showProgress(have, all) {
    const share = all > 0 ? Math.min(1, have / all) : 0;
    if (!this.ring?.isConnected) {
      this.ring = svg("circle", { cx: 24, cy: 24, r: RING, class: "ring-done", "stroke-dasharray": ROUND, pathLength: ROUND });
      const drawing = svg("svg", { viewBox: "0 0 48 48", class: "ring", "aria-hidden": "true" }, svg("circle", { cx: 24, cy: 24, r: RING, class: "ring-all" }), this.ring);
      this.rate = h("span", { class: "picture-rate" });
      this.over?.replaceChildren(h("div", { class: "picture-progress", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": t("picture.loading") }, drawing, this.rate));
    }
    this.ring.setAttribute("stroke-dashoffset", String(ROUND * (1 - share)));
    this.over?.firstElementChild?.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    if (this.rate) this.rate.textContent = t("picture.progress", { have: size(have), all: size(all) });
  }

  open() {
    if (this.message && this.frame) openLightbox(this.room, this.message.id);
  }
}

customElements.define("natter-picture", PictureBox);
