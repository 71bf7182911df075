// How the network stands, in plain words; the details are one press away.
import { app } from "../stores/app.js";
import { everybody } from "../stores/select.js";
import { h, icon, setText } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { openPopover } from "./popover.js";
import { openSettings } from "./settings-dialog.js";
import { View } from "./view.js";

/** @typedef {import("../backend/api").BrokerState} BrokerState */

/** @returns {{tone: "good" | "busy" | "bad", text: string}} */
export function networkWords() {
  const { network, joins } = app.state.value;
  if (app.link.value === "lost") return { tone: "bad", text: t("network.noBackend") };
  if (network.links > 0) return { tone: "good", text: t("network.connected", { count: network.links }) };
  if (!navigator.onLine) return { tone: "bad", text: t("network.none") };
  if (!network.brokers.some((b) => b.up)) return { tone: "bad", text: t("network.noMeeting") };
  if (everybody().length === 0 && joins.length === 0) return { tone: "good", text: t("network.ready") };
  return { tone: "busy", text: t("network.looking") };
}

/** The host of a broker, as people know it. @param {string} url */
export function brokerName(url) {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

/** @param {BrokerState} broker */
export function brokerWords(broker) {
  if (broker.up) return t("broker.up");
  return t(`broker.${broker.trouble ?? "connecting"}`);
}

/** @param {BrokerState} broker */
export function brokerRow(broker) {
  if (broker.trouble === "noPort") return row(broker, t("broker.noPort"));
  const kind = broker.own ? t("broker.own") : broker.configured ? t("broker.configured") : t("broker.ofRoom");
  return row(broker, `${kind} · ${brokerWords(broker)}`);
}

/** @param {BrokerState} broker @param {string} text */
const row = (broker, text) =>
  h("li", { class: "broker" }, h("span", { class: `dot ${broker.up ? "good" : broker.trouble ? "bad" : "busy"}`, "aria-hidden": "true" }),
    h("span", { class: "broker-words" }, h("span", { class: "name", text: broker.own ? t("broker.thisDevice") : brokerName(broker.url) }), h("span", { class: "quiet", text })));

class NetworkStatus extends View {
  sources() {
    return [app.state, app.link];
  }

  build() {
    this.className = "network";
    this.dot = h("span", { class: "dot", "aria-hidden": "true" });
    this.text = h("span", { class: "network-text", role: "status" });
    this.bar = h("button", { type: "button", class: "network-bar", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.openDetails() }, this.dot, this.text);
    this.open = h("button", { type: "button", class: "icon-button unprotected", onclick: () => openSettings(), "aria-label": t("settings.unprotectedShort"), title: t("settings.unprotectedShort"), hidden: true }, icon("unlock"));
    this.append(this.bar, this.open);
    addEventListener("online", () => this.update());
    addEventListener("offline", () => this.update());
  }

  update() {
    const { tone, text } = networkWords();
    if (this.dot) this.dot.className = `dot ${tone}`;
    if (this.text) setText(this.text, text);
    if (this.open) this.open.hidden = !app.state.value.me?.unprotected;
  }

  openDetails() {
    const { brokers } = app.state.value.network;
    const { tone, text } = networkWords();
    const rows = brokers.length > 0 ? h("ul", { class: "brokers" }, ...brokers.map(brokerRow)) : h("p", { class: "quiet", text: t("broker.noneInUse") });
    openPopover(/** @type {Element} */ (this.bar), { label: t("network.title"), className: "network-card" },
      h("h2", { text }), h("p", { text: t("network.later"), hidden: tone !== "bad" }), h("p", { class: "quiet", text: t("network.explain") }), h("h3", { text: t("network.meetings") }), rows,
      h("button", { type: "button", class: "button wide", onclick: () => openSettings("connections") }, icon("settings"), h("span", { text: t("network.change") })));
  }
}

customElements.define("natter-network", NetworkStatus);
