// The first start: a name, and how this device keeps the key to its database.
import { app } from "../stores/app.js";
import { PortError } from "../backend/port.js";
import { button, h, icon } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { words } from "../lib/errors.js";
import { busy, choice, field, passphraseField } from "./form.js";

const SHORTEST_PASSPHRASE = 8;

export class SetupScreen extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    this.className = "screen setup";
    this.setAttribute("role", "main");
    this.name = field(t("setup.name"), h("input", { type: "text", autocomplete: "nickname", maxlength: "128", required: true, autofocus: true, placeholder: t("setup.namePlaceholder"), dir: "auto" }), { hint: t("setup.nameHint") });
    const pick = () => this.showChoice();
    this.choices = ["keychain", "passphrase", "unprotected"].map((value) =>
      choice({ name: "protection", value, icon: { keychain: "key", passphrase: "lock", unprotected: "unlock" }[value] ?? "key", title: t(`setup.${value}`), text: t(`setup.${value}Text`), checked: value === "keychain", onchange: pick }));
    this.first = passphraseField(t("passphrase.new"), "new-password", t("passphrase.newHint"));
    this.again = passphraseField(t("passphrase.again"), "new-password");
    this.passphrases = h("div", { class: "choice-more", hidden: true }, this.first.box, this.again.box);
    this.understood = h("input", { type: "checkbox", id: "setup-understood", onchange: pick });
    this.warning = h("div", { class: "choice-more warning", hidden: true }, h("label", { class: "check", for: "setup-understood" }, this.understood, h("span", { text: t("setup.understood") })));
    this.error = h("p", { class: "form-error", role: "alert" });
    this.start = button(t("setup.start"), () => {}, { type: "submit", class: "button primary wide" });
    const protection = h("fieldset", { class: "choices" }, h("legend", { text: t("setup.protection") }), this.choices[0].card, this.choices[1].card, this.passphrases, this.choices[2].card, this.warning);
    const form = h("form", { class: "card setup-form", novalidate: true }, this.name.box, protection, this.error, this.start);
    form.addEventListener("submit", (event) => (event.preventDefault(), this.submit()));
    this.append(h("div", { class: "setup-grid" }, welcome(), form));
    this.name.input.focus();
  }

  get protection() {
    return this.choices?.find((c) => c.input.checked)?.input.value ?? "keychain";
  }

  showChoice() {
    if (this.passphrases) this.passphrases.hidden = this.protection !== "passphrase";
    if (this.warning) this.warning.hidden = this.protection !== "unprotected";
    this.say("");
  }

  /** @param {string} text */
  say(text) {
    if (this.error) this.error.textContent = text;
  }

  /** What is still missing, said beside it. */
  check() {
    if (!this.name?.input.value.trim()) return this.refuse(this.name, t("setup.nameMissing"));
    if (this.protection === "passphrase") {
      if ([...(this.first?.input.value ?? "")].length < SHORTEST_PASSPHRASE) return this.refuse(this.first, t("error.weakPassphrase"));
      if (this.first?.input.value !== this.again?.input.value) return this.refuse(this.again, t("passphrase.differ"));
    }
    if (this.protection === "unprotected" && !this.understood?.checked) {
      this.say(t("setup.understoodMissing"));
      this.understood?.focus();
      return false;
    }
    return true;
  }

  /** @param {{say: (text: string) => void, input: HTMLInputElement} | undefined} where @param {string} why */
  refuse(where, why) {
    where?.say(why);
    where?.input.focus();
    return false;
  }

  async submit() {
    if (!this.check() || !this.start) return;
    const type = this.protection;
    const protection = /** @type {import("../backend/api").Protection} */ (
      type === "passphrase" ? { type, passphrase: this.first?.input.value ?? "" } : { type });
    this.say("");
    try {
      await busy(this.start, () => app.send({ type: "setup", name: this.name?.input.value.trim() ?? "", protection }));
    } catch (thrown) {
      if (PortError.from(thrown).code === "noKeychain" && this.choices) {
        this.choices[1].input.checked = true;
        this.showChoice();
        this.first?.input.focus();
      }
      this.say(words(thrown));
    }
  }
}

function welcome() {
  const points = ["direct", "yours", "rooms"].map((key) =>
    h("li", null, icon({ direct: "link", yours: "lock", rooms: "people" }[key] ?? "link"), h("span", { text: t(`welcome.${key}`) })));
  return h("div", { class: "welcome" }, icon("mark", "mark"), h("h1", { text: t("welcome.title") }), h("p", { class: "lead", text: t("welcome.lead") }), h("ul", { class: "welcome-points" }, ...points));
}

customElements.define("natter-setup", SetupScreen);
