// Who knocks: a name that they chose themselves, and the fingerprint that they cannot choose.
import { app } from "../stores/app.js";
import { isAdmin, roomOf } from "../stores/select.js";
import { button, h, reconcile } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { avatar } from "./avatar.js";
import { busy } from "./form.js";
import { View } from "./view.js";

/** @typedef {import("../backend/api").JoinRequest} JoinRequest */

class Requests extends View {
  build() {
    this.className = "requests";
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", t("requests.label"));
  }

  update() {
    const room = roomOf(this.dataset.room ?? null);
    const requests = room && isAdmin(room) ? room.requests : [];
    this.hidden = requests.length === 0;
    reconcile(this, requests, (request) => request.device + request.name, (request) => this.row(request));
  }

  /** @param {JoinRequest} request */
  row(request) {
    const answer = (/** @type {"admit" | "decline"} */ type, /** @type {HTMLButtonElement} */ pressed) =>
      busy(pressed, () => app.send({ type, room: this.dataset.room ?? "", device: request.device })).catch(complain);
    const yes = button(t("requests.admit"), () => answer("admit", yes), { class: "button primary" }, "check");
    const no = button(t("requests.decline"), () => answer("decline", no));
    return h("div", { class: "request", role: "group", "aria-label": request.name }, avatar(request, "medium"),
      h("div", { class: "request-words" }, h("p", null, h("bdi", { class: "name", text: request.name }), ` ${t("requests.wants")}`), h("p", { class: "quiet" }, h("span", { class: "mono", text: request.fingerprint }), h("span", { class: "request-hint", text: t("requests.compare") }))),
      h("div", { class: "request-actions" }, no, yes));
  }
}

customElements.define("natter-requests", Requests);
