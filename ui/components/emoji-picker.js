// A small picker: what is used most, found by name or by looking. Its list is read when it is first opened.
import { h } from "../lib/dom.js";
import { complain } from "../lib/errors.js";
import { fold } from "../lib/fold.js";
import { t } from "../lib/i18n.js";
import { openPopover } from "./popover.js";

/** @typedef {{group: string, emoji: [string, string][]}[]} Groups sign and names */

/** @type {Promise<Groups> | undefined} */
let groups;

/** @returns {Promise<Groups>} */
const load = () => (groups ??= fetch(new URL("../locales/emoji.en.json", import.meta.url)).then((response) => response.json()).catch((thrown) => {
  groups = undefined;
  throw thrown;
}));

/** @param {Groups} all @param {string} wanted @returns {Groups} those that have every word at the beginning of one of their names */
export function find(all, wanted) {
  const words = fold(wanted).split(/\s+/).filter(Boolean);
  const fits = (/** @type {string} */ names) => words.every((word) => names.split(" ").some((name) => name.startsWith(word)));
  return all.map(({ group, emoji }) => ({ group, emoji: emoji.filter(([, names]) => fits(names)) })).filter(({ emoji }) => emoji.length > 0);
}

/** @param {Element} anchor @param {(emoji: string) => void} pick @param {{x: number, y: number}} [at] */
export async function openPicker(anchor, pick, at) {
  try {
    show(anchor, await load(), pick, at);
  } catch (thrown) {
    complain(thrown);
  }
}

/** @param {Element} anchor @param {Groups} all @param {(emoji: string) => void} pick @param {{x: number, y: number}} [at] */
function show(anchor, all, pick, at) {
  const input = h("input", { type: "search", class: "input", "aria-label": t("react.search"), placeholder: t("react.search"), autocomplete: "off", spellcheck: "false", enterkeyhint: "done" });
  const sheet = h("div", { class: "picker-list" });
  const said = h("p", { class: "sr-only", role: "status" });
  const choose = (/** @type {string} */ emoji) => (close(), pick(emoji));
  const draw = () => {
    const found = find(all, input.value);
    sheet.replaceChildren(...found.map(({ group, emoji }) => h("section", { "aria-label": t(`emoji.${group}`) }, h("h3", { text: t(`emoji.${group}`) }), h("div", { class: "picker-grid" }, emoji.map(([sign, names]) => h("button", { type: "button", class: "quick", tabindex: "-1", title: names, "aria-label": names, onclick: () => choose(sign) }, sign))))));
    if (found.length === 0) sheet.replaceChildren(h("p", { class: "jump-none", text: t("react.none") }));
    said.textContent = input.value ? t("react.found", { count: found.reduce((sum, { emoji }) => sum + emoji.length, 0) }) : "";
    const first = sheet.querySelector("button");
    if (first) first.tabIndex = 0;
  };
  draw();
  const { box, close } = openPopover(anchor, { label: t("message.react"), className: "picker", at }, input, said, sheet);
  input.addEventListener("input", draw);
  box.addEventListener("keydown", (event) => {
    const all = [...sheet.querySelectorAll("button")];
    if (event.key === "Enter" && event.target === input) return void (event.preventDefault(), all[0]?.click());
    const next = neighbour(all, document.activeElement, event);
    if (!next) return;
    event.preventDefault();
    for (const one of all) one.tabIndex = one === next ? 0 : -1;
    next.focus();
  });
}

/** Where an arrow leads in the grid; from the field, down into it. @param {HTMLButtonElement[]} all @param {Element | null} focused @param {KeyboardEvent} event */
function neighbour(all, focused, { key }) {
  const from = all.indexOf(/** @type {any} */ (focused));
  if (from < 0) return key === "ArrowDown" ? all[0] : undefined;
  const rtl = document.documentElement.dir === "rtl" ? -1 : 1;
  if (key === "ArrowRight") return all[from + rtl];
  if (key === "ArrowLeft") return all[from - rtl];
  const { offsetTop: top, offsetLeft: left } = all[from];
  const near = (/** @type {HTMLButtonElement} */ a, /** @type {HTMLButtonElement} */ b) => Math.abs(a.offsetTop - top) - Math.abs(b.offsetTop - top) || Math.abs(a.offsetLeft - left) - Math.abs(b.offsetLeft - left);
  if (key === "ArrowDown") return all.filter((one) => one.offsetTop > top).sort(near)[0];
  if (key === "ArrowUp") return all.filter((one) => one.offsetTop < top).sort(near)[0];
  return undefined;
}
