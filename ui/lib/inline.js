// What stands inside a line or paragraph: `code` first, then links and mentions, then **bold** and *italic*.
import { split } from "./links.js";

/** @typedef {import("./marks.js").Read} Read */
/** @typedef {{kind: "text", text: string} | {kind: "code", text: string} | {kind: "link", text: string, url: string} | {kind: "mention", device: string, text: string} | {kind: "strong" | "em", children: Inline[]}} Inline */

const PIECE = /[\ufdd0-\ufdef]|\*+|[^\ufdd0-\ufdef*]+/g;
const WORD = /[\p{L}\p{N}]/u;

/** @param {string} text @param {Read} read @returns {Inline[]} */
export function inline(text, read) {
  const nest = new Nest();
  let at = 0;
  for (const { start, end, inner } of codeSpans(text)) {
    rest(text, at, start, nest, read);
    nest.add({ kind: "code", text: read.plain(inner) });
    at = end;
  }
  rest(text, at, text.length, nest, read);
  return nest.done();
}

/** Runs of backticks and their partners of the same length, on one line. @param {string} text */
function codeSpans(text) {
  const runs = [...text.matchAll(/`+|\n/g)];
  const partner = new Map();
  /** @type {Map<number, number>} */
  let open = new Map();
  for (let i = runs.length - 1; i >= 0; i--) {
    const { 0: ticks } = runs[i];
    if (ticks === "\n") {
      open = new Map();
      continue;
    }
    partner.set(i, open.get(ticks.length));
    open.set(ticks.length, i);
  }
  const spans = [];
  for (let i = 0; i < runs.length; i++) {
    const to = partner.get(i);
    if (to === undefined) continue;
    const inner = text.slice(runs[i].index + runs[i][0].length, runs[to].index);
    if (inner.trim() === "") continue;
    const padded = inner.startsWith(" ") && inner.endsWith(" ");
    spans.push({ start: runs[i].index, end: runs[to].index + runs[to][0].length, inner: padded ? inner.slice(1, -1) : inner });
    i = to;
  }
  return spans;
}

/** @param {string} text @param {number} from @param {number} to @param {Nest} nest @param {Read} read */
function rest(text, from, to, nest, read) {
  let at = from;
  for (const piece of split(text.slice(from, to))) {
    if (piece.url) nest.add({ kind: "link", text: piece.text, url: piece.url });
    else words(text, at, at + piece.text.length, nest, read);
    at += piece.text.length;
  }
}

/** @param {string} text @param {number} from @param {number} to @param {Nest} nest @param {Read} read */
function words(text, from, to, nest, read) {
  for (const { 0: piece, index } of text.slice(from, to).matchAll(PIECE)) {
    const mention = piece.length === 1 ? read.mention(piece) : null;
    if (mention) nest.add({ kind: "mention", ...mention });
    else if (piece[0] === "*" && piece.length <= 3) nest.stars(piece, before(text, from + index), after(text, from + index + piece.length));
    else nest.add({ kind: "text", text: piece });
  }
}

/** The whole character that ends or begins here. @param {string} text @param {number} at */
const before = (text, at) => (/[\udc00-\udfff]/.test(text[at - 1] ?? "") ? text.slice(at - 2, at) : (text[at - 1] ?? " "));
/** @param {string} text @param {number} at */
const after = (text, at) => String.fromCodePoint(text.codePointAt(at) ?? 32);

/** Bold and italic that are open: each once at most, so that nothing nests deeper than two. */
class Nest {
  /** @type {Inline[]} */
  nodes = [];
  /** Where bold and italic were opened, the outer one first. @type {{kind: "strong" | "em", at: number}[]} */
  open = [];

  /** @param {Inline} node */
  add(node) {
    this.nodes.push(node);
  }

  /** @param {string} stars one to three of them @param {string} left @param {string} right the characters beside them */
  stars(stars, left, right) {
    const opens = !/\s/.test(right) && !WORD.test(left);
    const closes = !/\s/.test(left) && !WORD.test(right);
    /** @type {("strong" | "em")[]} */
    const kinds = stars.length === 3 ? ["strong", "em"] : [stars.length === 2 ? "strong" : "em"];
    if (closes && kinds.every((kind) => this.open.some((o) => o.kind === kind))) {
      for (const { kind } of [...this.open].reverse()) if (kinds.includes(kind)) this.close(kind);
    } else if (opens) {
      kinds.forEach((kind) => this.begin(kind));
    } else {
      this.add({ kind: "text", text: stars });
    }
  }

  /** What was opened before and never closed becomes words. @param {"strong" | "em"} kind */
  begin(kind) {
    this.open = this.open.filter((o) => o.kind !== kind);
    this.open.push({ kind, at: this.nodes.length });
    this.add({ kind: "text", text: kind === "strong" ? "**" : "*" });
  }

  /** @param {"strong" | "em"} kind */
  close(kind) {
    const at = this.open.findIndex((o) => o.kind === kind);
    if (at < 0) return;
    const from = this.open[at].at;
    this.open.length = at;
    const children = join(this.nodes.splice(from).slice(1));
    if (children.length > 0) this.add({ kind, children });
    else this.add({ kind: "text", text: kind === "strong" ? "****" : "**" });
  }

  done() {
    return join(this.nodes);
  }
}

/** Puts words beside words together. @param {Inline[]} nodes @returns {Inline[]} */
function join(nodes) {
  /** @type {Inline[]} */
  const joined = [];
  for (const node of nodes) {
    const last = joined.at(-1);
    if (node.kind === "text" && last?.kind === "text") joined[joined.length - 1] = { kind: "text", text: last.text + node.text };
    else joined.push(node);
  }
  return joined;
}
