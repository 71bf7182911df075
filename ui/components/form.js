// Pieces of forms: fields with their label, hint and error; choices as cards; a switch.
import { h, icon, setText } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

let lastId = 0;

/**
 * A labelled field. `say(text)` shows an error under it, or takes it away.
 * @template {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} T
 * @param {string} label @param {T} input @param {{hint?: string, after?: Node}} [options]
 */
export function field(label, input, { hint, after } = {}) {
  const id = `field-${++lastId}`;
  input.id = id;
  input.classList.add("input");
  const help = h("p", { id: `${id}-hint`, class: "hint", text: hint ?? "", hidden: !hint });
  const error = h("p", { id: `${id}-error`, class: "field-error", role: "alert" });
  input.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
  const row = h("div", { class: "field-row" }, input, after);
  const box = h("div", { class: "field" }, h("label", { for: id, text: label }), row, help, error);
  const say = (/** @type {string} */ text) => {
    setText(error, text);
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  input.addEventListener("input", () => say(""));
  return { box, input, say };
}

/** A passphrase field that can be looked at. @param {string} label @param {string} autocomplete @param {string} [hint] */
export function passphraseField(label, autocomplete, hint) {
  const input = h("input", { type: "password", autocomplete, maxlength: "1024", spellcheck: "false", autocapitalize: "none" });
  const peek = h("button", { type: "button", class: "icon-button inside", "aria-pressed": "false", "aria-label": t("passphrase.show"), title: t("passphrase.show") }, icon("eye"));
  peek.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    peek.setAttribute("aria-pressed", String(shown));
  });
  return field(label, input, { hint, after: peek });
}

/**
 * One of a group of choices, as a card.
 * @param {{name: string, value: string, icon: string, title: string, text: string, checked?: boolean, onchange: () => void}} options
 */
export function choice({ name, value, icon: iconName, title, text, checked = false, onchange }) {
  const id = `choice-${++lastId}`;
  const input = h("input", { type: "radio", name, value, id, checked, onchange, "aria-describedby": `${id}-text` });
  const words = h("span", { class: "choice-words" }, h("label", { for: id, class: "choice-title", text: title }), h("span", { id: `${id}-text`, class: "choice-text", text }));
  const card = h("div", { class: "choice" }, icon(iconName), words, input);
  card.addEventListener("click", (event) => {
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLLabelElement || input.checked) return;
    input.checked = true;
    input.focus();
    onchange();
  });
  return { card, input };
}

/** @param {string} label @param {string} hint @param {boolean} checked */
export function toggle(label, hint, checked) {
  const id = `toggle-${++lastId}`;
  const input = h("input", { type: "checkbox", role: "switch", class: "switch", id, checked, "aria-describedby": `${id}-hint` });
  const words = h("span", { class: "toggle-words" }, h("span", { text: label }), h("span", { id: `${id}-hint`, class: "hint", text: hint }));
  return { box: h("label", { class: "toggle", for: id }, words, input), input };
}

/** @param {[string, string][]} options value and words @param {string} chosen */
export function select(options, chosen) {
  const box = h("select", null, ...options.map(([value, text]) => h("option", { value, text, selected: value === chosen })));
  return box;
}

/** While `work` runs the button says so and cannot be pressed again. @template T @param {HTMLButtonElement} button @param {() => Promise<T>} work @returns {Promise<T>} */
export async function busy(button, work) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await work();
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}
