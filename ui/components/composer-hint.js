// Whether what is written here is safe: who can be reached, and what no other device has yet.
import { app } from "../stores/app.js";
import { others, roomOf, unheld } from "../stores/select.js";
import { h, icon, setText } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { View } from "./view.js";

/** What goes out within this time is no news. */
const PATIENCE_MS = 4_000;

class Hint extends View {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;
  late = false;

  build() {
    this.className = "composer-hint";
    this.setAttribute("role", "status");
    this.words = h("span");
    this.append(icon("warn"), this.words);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  update() {
    const room = roomOf(this.dataset.room ?? null);
    if (!room || !this.words) return;
    const member = room.standing === "member";
    const away = member && others(room).length > 0 && !others(room).some((m) => m.presence === "online");
    const count = unheld(room);
    this.wait(count > 0);
    const tell = count > 0 && (away || this.late);
    const text = tell ? t(away ? "composer.unheldAway" : "composer.unheld", { count }) : away ? t("composer.nobodyHere") : "";
    this.hidden = text === "";
    this.toggleAttribute("data-unheld", tell);
    setText(this.words, text);
  }

  /** @param {boolean} some whether there is anything that only this device has */
  wait(some) {
    if (!some) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.late = false;
    } else {
      this.timer ??= setTimeout(() => ((this.late = true), this.update()), PATIENCE_MS);
    }
  }
}

customElements.define("natter-hint", Hint);
