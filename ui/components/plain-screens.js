// Screens with one thing to do: unlock, what broke, no connection to the backend.
import { app } from "../stores/app.js";
import { button, h, icon, setText } from "../lib/dom.js";
import { has, t } from "../lib/i18n.js";
import { complain, words } from "../lib/errors.js";
import { busy, passphraseField } from "./form.js";
import { View } from "./view.js";

/** @param {string} iconName @param {string} title @param {string} text @param {...(Node | null)} more */
function card(iconName, title, text, ...more) {
  return h("div", { class: "card plain-card" }, icon(iconName, iconName === "mark" ? "mark" : "icon badge"), h("h1", { text: title }), h("p", { class: "lead", text }), ...more);
}

class UnlockScreen extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    this.className = "screen";
    this.setAttribute("role", "main");
    const pass = passphraseField(t("passphrase.label"), "current-password");
    const open = button(t("unlock.open"), () => {}, { type: "submit", class: "button primary wide" });
    const form = h("form", { novalidate: true }, pass.box, open);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await busy(open, () => app.send({ type: "unlock", passphrase: pass.input.value }));
      } catch (thrown) {
        pass.say(words(thrown));
        pass.input.select();
      }
    });
    this.append(card("mark", t("unlock.title"), t("unlock.text"), form));
    pass.input.focus();
  }
}

class BrokenScreen extends View {
  build() {
    this.className = "screen";
    this.setAttribute("role", "main");
    this.heading = h("h1");
    this.text = h("p", { class: "lead" });
    this.todo = h("p", { class: "todo" });
    const again = button(t("broken.again"), () => busy(again, () => app.send({ type: "reopen" })).catch(complain), { class: "button primary wide" }, "retry");
    this.append(h("div", { class: "card plain-card", role: "alert" }, icon("warn", "icon badge bad"), this.heading, this.text, this.todo, again));
  }

  update() {
    const code = app.state.value.troubles.map((trouble) => trouble.code).findLast((c) => has(`broken.${c}`)) ?? "other";
    if (this.heading) setText(this.heading, t(`broken.${code}`));
    if (this.text) setText(this.text, t(`broken.${code}Means`));
    if (this.todo) setText(this.todo, t(`broken.${code}Do`));
  }
}

/** The page has no backend: never had one, or its address is of an older run. */
class NoBackendScreen extends View {
  sources() {
    return [app.link];
  }

  build() {
    this.className = "screen";
    this.setAttribute("role", "main");
  }

  update() {
    const kind = app.link.value === "noToken" ? "noToken" : "badToken";
    this.replaceChildren(card("meeting", t(`backend.${kind}`), t(`backend.${kind}Text`), kind === "badToken" ? button(t("broken.again"), () => location.reload(), { class: "button primary wide" }, "retry") : null));
  }
}

customElements.define("natter-unlock", UnlockScreen);
customElements.define("natter-broken", BrokenScreen);
customElements.define("natter-no-backend", NoBackendScreen);
