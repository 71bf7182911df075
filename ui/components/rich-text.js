// A person's words as text nodes; what may be opened as buttons that ask first; what is very long folds.
import { app } from "../stores/app.js";
import { button, h, icon } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { destination, split } from "../lib/links.js";
import { openDialog } from "./dialog.js";
import { copy } from "./message-menu.js";

const LONG_CHARACTERS = 1_400;
const LONG_LINES = 24;

/** @param {string} text @param {HTMLElement} meta stands at the end of the last line */
export function richText(text, meta) {
  const pieces = split(text).map((piece) => (piece.url ? link(piece.text, piece.url) : piece.text));
  const words = h("div", { class: "text", dir: "auto" }, ...pieces);
  const long = text.length > LONG_CHARACTERS || text.split("\n", LONG_LINES + 1).length > LONG_LINES;
  if (!long) {
    words.append(meta);
    return words;
  }
  words.classList.add("folded");
  const more = h("button", { type: "button", class: "show-all", text: t("message.showAll"), onclick: () => (words.classList.remove("folded"), more.remove()) });
  return h("div", { class: "long" }, words, h("div", { class: "long-foot" }, more, meta));
}

/** @param {string} text @param {string} url */
function link(text, url) {
  return h("button", { type: "button", class: "link", text, title: destination(url).name, onclick: () => askToOpen(url) });
}

/** @param {string} url */
function askToOpen(url) {
  const { mail, name, ascii } = destination(url);
  const open = button(mail ? t("link.write") : t("link.open"), () => (close(), app.port?.openExternal(url).catch(complain)), { class: "button primary" });
  const body = [
    h("p", { text: mail ? t("link.mailTo") : t("link.goesTo") }),
    h("p", { class: "link-host" }, h("bdi", { text: name })),
    name === ascii ? "" : h("p", { class: "link-warn" }, icon("warn"), t("link.otherLetters", { ascii })),
    h("p", { class: "link-full mono", dir: "ltr", text: url }),
  ];
  const { close } = openDialog({ title: mail ? t("link.mailTitle") : t("link.title"), body, actions: [button(t("link.copy"), () => (close(), copy(url))), open], size: "small" });
}
