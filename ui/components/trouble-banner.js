// What is wrong right now, above everything: the backend is away, the disk is full, saving failed.
import { app } from "../stores/app.js";
import { h, icon, iconButton, reconcile } from "../lib/dom.js";
import { has, t } from "../lib/i18n.js";
import { View } from "./view.js";

/** @typedef {{key: string, text: string, tone: string, dismissable: boolean}} Banner */

class Troubles extends View {
  sources() {
    return [app.state, app.link];
  }

  build() {
    this.className = "troubles";
    this.setAttribute("role", "alert");
  }

  /** @returns {Banner[]} */
  banners() {
    const { phase, troubles, version } = app.state.value;
    /** @type {Banner[]} */
    const banners = [];
    if (app.link.value === "lost" && version) banners.push({ key: "lost", text: t("backend.lost"), tone: "warn", dismissable: false });
    if (phase === "broken") return banners;
    for (const { code, message } of troubles) {
      const text = has(`trouble.${code}`) ? t(`trouble.${code}`) : has(`error.${code}`) ? t(`error.${code}`) : t("error.other", { message });
      banners.push({ key: code, text, tone: "bad", dismissable: true });
    }
    return banners;
  }

  /** @param {string} code */
  dismiss(code) {
    const state = app.state.value;
    app.state.set({ ...state, troubles: state.troubles.filter((trouble) => trouble.code !== code) });
  }

  update() {
    reconcile(this, this.banners(), (b) => b.key + b.text, (b) =>
      h("div", { class: `banner ${b.tone}` }, icon(b.key === "lost" ? "retry" : "warn"), h("span", { text: b.text }), b.dismissable ? iconButton("close", t("dismiss"), () => this.dismiss(b.key)) : null));
  }
}

customElements.define("natter-troubles", Troubles);
