// A person's words as nodes: what may be opened asks first, people are named as they are called now, what is very long folds.
import { app } from "../stores/app.js";
import { button, h, icon, iconButton } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { destination } from "../lib/links.js";
import { parse } from "../lib/markdown.js";
import { personOf } from "../stores/select.js";
import { openDialog } from "./dialog.js";
import { copy } from "./message-menu.js";
import { openPerson } from "./person-card.js";

/** @typedef {import("../lib/markdown.js").Block} Block */
/** @typedef {import("../lib/markdown.js").Inline} Inline */
/** @typedef {import("../backend/api").Room} Room */
/** @typedef {import("../backend/api").Mention} Mention */

const LONG_CHARACTERS = 1_400;
const LONG_LINES = 24;

/** @param {string} text @param {readonly Mention[]} mentions @param {Room} room @param {HTMLElement} meta stands at the end of the last line */
export function richText(text, mentions, room, meta) {
  const words = wordsOf(text, mentions, room);
  const long = text.length > LONG_CHARACTERS || text.split("\n", LONG_LINES + 1).length > LONG_LINES;
  if (!long) {
    const last = words.lastElementChild;
    (last?.matches(".para") ? last : words).append(meta);
    return words;
  }
  words.classList.add("folded");
  const more = h("button", { type: "button", class: "show-all", text: t("message.showAll"), onclick: () => (words.classList.remove("folded"), more.remove()) });
  return h("div", { class: "long" }, words, h("div", { class: "long-foot" }, more, meta));
}

/** @param {string} text @param {readonly Mention[]} mentions @param {Room} room */
export const wordsOf = (text, mentions, room) => h("div", { class: "text", dir: "auto" }, parse(text, mentions).map((block) => drawBlock(block, room)));

/** @param {Block} block @param {Room} room @returns {HTMLElement} */
function drawBlock(block, room) {
  switch (block.kind) {
    case "code": return codeBlock(block.text);
    case "quote": return h("blockquote", { dir: "auto" }, block.blocks.map((inner) => drawBlock(inner, room)));
    case "list": return h(block.ordered ? "ol" : "ul", { dir: "auto" }, block.items.map((item) => h("li", { value: block.ordered ? String(item.value) : null }, draw(item.children, room))));
    case "paragraph": return h("p", { class: "para", dir: "auto" }, draw(block.children, room));
  }
}

/** @param {Inline[]} nodes @param {Room} room @returns {(Node | string)[]} */
function draw(nodes, room) {
  return nodes.map((node) => {
    switch (node.kind) {
      case "text": return node.text;
      case "code": return h("code", { text: node.text });
      case "link": return link(node.text, node.url);
      case "mention": return mention(node.device, room);
      case "strong": case "em": return h(node.kind, null, draw(node.children, room));
    }
  });
}

/** @param {string} text */
function codeBlock(text) {
  return h("div", { class: "code-block", dir: "ltr" }, h("pre", null, h("code", { text })), iconButton("copy", t("code.copy"), () => copy(text), { tabindex: "-1" }));
}

/** @param {string} device @param {Room} room */
function mention(device, room) {
  const person = personOf(room, device);
  /** @type {HTMLButtonElement} */
  const chip = h("button", { type: "button", class: "mention", tabindex: "-1", "data-hue": String(person.hue), "data-me": person.own, onclick: () => openPerson(chip, room, device) }, h("bdi", { text: `@${person.name}` }));
  return chip;
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
