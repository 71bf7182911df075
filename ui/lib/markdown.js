// A person's words as a small tree: paragraphs, quotes, lists, code; in them bold, italic, code, links and mentions.
// Nothing else has a meaning, nothing that was written is lost, and the time is linear in the length of the text.
import { inline } from "./inline.js";
import { mark } from "./marks.js";

/** @typedef {import("./inline.js").Inline} Inline */
/** @typedef {import("./marks.js").Mention} Mention */
/** @typedef {{kind: "paragraph", children: Inline[]} | {kind: "code", text: string} | {kind: "quote", blocks: Block[]} | {kind: "list", ordered: boolean, items: {value: number, children: Inline[]}[]}} Block */

/** Quotes inside quotes deeper than this are words. */
export const MAX_DEPTH = 4;

const FENCE = /^ {0,3}```[^`]*$/;
const QUOTE = /^ {0,3}> ?/;
const BULLET = /^ {0,3}- +(?=\S)/;
const NUMBER = /^ {0,3}(\d{1,3})\. +(?=\S)/;

/** @param {string} text @param {readonly Mention[]} [mentions] @returns {Block[]} */
export function parse(text, mentions = []) {
  const marked = mark(text, mentions);
  return blocks(marked.text.split("\n"), marked.read, 1);
}

/** @typedef {import("./marks.js").Read} Read */

/** @param {string[]} lines @param {Read} read @param {number} depth @returns {Block[]} */
function blocks(lines, read, depth) {
  /** @type {Block[]} */
  const found = [];
  const closing = closings(lines);
  for (let at = 0; at < lines.length; ) {
    const line = lines[at];
    const end = FENCE.test(line) ? closing[at] : -1;
    if (end > at) {
      found.push({ kind: "code", text: read.plain(lines.slice(at + 1, end).join("\n")) });
      at = end + 1;
    } else if (depth < MAX_DEPTH && QUOTE.test(line)) {
      const to = run(lines, at, (l) => QUOTE.test(l));
      found.push({ kind: "quote", blocks: blocks(lines.slice(at, to).map((l) => l.replace(QUOTE, "")), read, depth + 1) });
      at = to;
    } else if (BULLET.test(line) || NUMBER.test(line)) {
      const kind = BULLET.test(line) ? BULLET : NUMBER;
      const to = run(lines, at, (l) => kind.test(l));
      found.push({ kind: "list", ordered: kind === NUMBER, items: lines.slice(at, to).map((l) => item(l, kind, read)) });
      at = to;
    } else if (line.trim() === "") {
      at += 1;
    } else {
      const to = run(lines, at + 1, (l, i) => l.trim() !== "" && !begins(l, depth) && !(FENCE.test(l) && closing[i] > i));
      found.push({ kind: "paragraph", children: inline(lines.slice(at, to).join("\n"), read) });
      at = to;
    }
  }
  return found;
}

/** @param {string} line @param {number} depth */
const begins = (line, depth) => BULLET.test(line) || NUMBER.test(line) || (depth < MAX_DEPTH && QUOTE.test(line));

/** @param {string} line @param {RegExp} kind @param {Read} read */
const item = (line, kind, read) => ({ value: Number(kind.exec(line)?.[1] ?? 0), children: inline(line.replace(kind, ""), read) });

/** The end of the lines from `at` on that belong together. @param {string[]} lines @param {number} at @param {(line: string, i: number) => boolean} belongs */
function run(lines, at, belongs) {
  let end = at;
  while (end < lines.length && belongs(lines[end], end)) end += 1;
  return Math.max(end, at);
}

/** For every line the next one that can close a code block, or -1: found once, from below. @param {string[]} lines */
function closings(lines) {
  const next = new Array(lines.length).fill(-1);
  let last = -1;
  for (let i = lines.length - 1; i >= 0; i--) {
    next[i] = last;
    if (/^ {0,3}``` *$/.test(lines[i])) last = i;
  }
  return next;
}

/** The same words without marks, for one line of preview. @param {string} text @param {readonly Mention[]} mentions @param {(device: string, text: string) => string} nameOf */
export function plain(text, mentions, nameOf) {
  /** @param {Inline} node @returns {string} */
  const words = (node) => (node.kind === "mention" ? nameOf(node.device, node.text) : "children" in node ? node.children.map(words).join("") : node.text);
  /** @param {Block} block @returns {string} */
  const line = (block) => {
    if (block.kind === "code") return block.text;
    if (block.kind === "quote") return block.blocks.map(line).join(" ");
    if (block.kind === "list") return block.items.map((one) => one.children.map(words).join("")).join(" ");
    return block.children.map(words).join("");
  };
  return parse(text, mentions).map(line).join(" ").replace(/\s+/g, " ").trim();
}
