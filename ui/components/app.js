// Which screen: first start, locked, broken, or the rooms; above all of them what is wrong right now.
import { app } from "../stores/app.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { View } from "./view.js";
import "./plain-screens.js";
import "./setup-screen.js";
import "./shell.js";
import "./toast-region.js";
import "./trouble-banner.js";

const SKELETON_AFTER_MS = 150;

class NatterApp extends View {
  sources() {
    return [app.state, app.link];
  }

  build() {
    this.stage = h("div", { class: "stage" });
    this.append(h(/** @type {any} */ ("natter-troubles")), this.stage, h(/** @type {any} */ ("natter-toasts")));
  }

  /** The element of the screen that the state asks for. */
  wanted() {
    const link = app.link.value;
    if (app.state.value.version === "") return link === "connecting" || link === "up" ? "natter-loading" : "natter-no-backend";
    const screens = { setup: "natter-setup", locked: "natter-unlock", broken: "natter-broken", ready: "natter-shell" };
    return screens[app.state.value.phase];
  }

  update() {
    const tag = this.wanted();
    if (!this.stage || this.stage.firstElementChild?.localName === tag) return;
    this.stage.replaceChildren(document.createElement(tag));
  }
}

/** Nothing at first; the outline of the rooms if it takes longer than a blink. */
class Loading extends HTMLElement {
  connectedCallback() {
    this.className = "loading";
    this.setAttribute("role", "status");
    this.timer = setTimeout(() => {
      const line = () => h("div", { class: "skeleton-room" }, h("span", { class: "skeleton round" }), h("span", { class: "skeleton line" }));
      this.append(h("span", { class: "sr-only", text: t("loading") }), h("div", { class: "skeleton-rooms" }, line(), line(), line(), line()));
    }, SKELETON_AFTER_MS);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }
}

customElements.define("natter-loading", Loading);
customElements.define("natter-app", NatterApp);
