// Rooms | timeline | details, as panes that stack: three from 1100 px, two from 700, one below.
import { app } from "../stores/app.js";
import { NARROW, WIDE, forgetRoom, route, sideDetails } from "../stores/route.js";
import { roomOf, unheld } from "../stores/select.js";
import { h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { listenForShortcuts } from "./shortcuts.js";
import { View } from "./view.js";
import "./details-pane.js";
import "./room-pane.js";
import "./rooms-pane.js";

class Shell extends View {
  /** What the node was last told about the focus. */
  said = "";

  sources() {
    return [app.state, route, sideDetails];
  }

  build() {
    this.className = "shell";
    this.append(
      h(/** @type {any} */ ("natter-rooms"), { class: "pane rooms-pane", role: "navigation", "aria-label": t("rooms.label") }),
      h(/** @type {any} */ ("natter-room"), { class: "pane room-pane", role: "main" }),
      h("div", { class: "scrim", onclick: () => history.back() }),
      h(/** @type {any} */ ("natter-details"), { class: "pane details-pane", role: "complementary", "aria-label": t("details.label") }),
    );
  }

  connectedCallback() {
    super.connectedCallback();
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    const focus = () => this.tellFocus();
    addEventListener("focus", focus, { signal });
    addEventListener("blur", focus, { signal });
    addEventListener("beforeunload", (event) => askToStay(event), { signal });
    addEventListener("online", () => void app.send({ type: "networkChanged" }).catch(() => {}), { signal });
    document.addEventListener("visibilitychange", focus, { signal });
    for (const media of [NARROW, WIDE]) media.addEventListener("change", () => this.update(), { signal });
    listenForShortcuts(signal);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.aborter?.abort();
  }

  update() {
    const { room, details } = route.value;
    const there = roomOf(room);
    if (room && !there) return forgetRoom();
    const pane = !room ? "rooms" : details && !WIDE.matches ? "details" : "room";
    this.dataset.pane = pane;
    this.toggleAttribute("data-side", Boolean(room) && sideDetails.value);
    // What is not on show on a phone, or lies under the sheet, is not there for the keyboard either.
    const [rooms, timeline, , side] = this.children;
    rooms.toggleAttribute("inert", pane === "details" || (NARROW.matches && pane !== "rooms"));
    timeline.toggleAttribute("inert", pane === "details" || (NARROW.matches && pane !== "room"));
    side.toggleAttribute("inert", WIDE.matches ? !(room && sideDetails.value) : pane !== "details");
    // A phone shows one pane: it is what the page is about.
    rooms.setAttribute("role", NARROW.matches && pane === "rooms" ? "main" : "navigation");
    side.setAttribute("role", NARROW.matches && pane === "details" ? "main" : "complementary");
    const unread = app.state.value.rooms.reduce((sum, r) => sum + r.unread, 0);
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${there ? `${there.name} – ` : ""}Natter`;
    app.port?.setBadge?.(unread);
    this.tellFocus();
  }

  /** The node decides by this what rings. */
  tellFocus() {
    const focused = document.hasFocus() && document.visibilityState === "visible";
    const room = route.value.room;
    const said = `${focused} ${room}`;
    if (said === this.said) return;
    this.said = said;
    app.send({ type: "setFocus", focused, room }).catch(() => (this.said = ""));
  }
}

/** A browser's tab is closed in passing: it asks while only this device has something. The window goes on in the background. @param {Event} event */
function askToStay(event) {
  if (app.port?.inBrowser && app.state.value.rooms.some((room) => unheld(room) > 0)) event.preventDefault();
}

customElements.define("natter-shell", Shell);
