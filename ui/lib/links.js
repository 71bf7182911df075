// Finds what may be opened in a text: https and mailto only. The page asks before it opens anything.
import { toUnicode } from "./punycode.js";

const CANDIDATE = /\b(?:https:\/\/|mailto:)[^\s<>"'`\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef]+/giu;
const MAX_LINKS = 100;
/** @type {Record<string, string>} */
const CLOSING = { "(": ")", "[": "]", "{": "}" };

/** @typedef {{text: string, url?: string}} Piece */

/** Cuts what a sentence put after the link: full stops, closing brackets without an opening one. @param {string} raw */
function trim(raw) {
  /** How many more of each bracket close than open, counted once. @type {Record<string, number>} */
  const over = { ")": 0, "]": 0, "}": 0 };
  for (const char of raw) {
    if (char in over) over[char] += 1;
    else if (char in CLOSING) over[CLOSING[char]] -= 1;
  }
  let end = raw.length;
  for (; end > 0; end--) {
    const last = raw[end - 1];
    if (/[.,;:!?…'"»”’*_]/u.test(last)) continue;
    if (!(last in over) || over[last] <= 0) break;
    over[last] -= 1;
  }
  return raw.slice(0, end);
}

/** Splits a text into plain pieces and links. @param {string} text @returns {Piece[]} */
export function split(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let at = 0, links = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const raw = trim(match[0]);
    const url = parse(raw);
    if (!url || ++links > MAX_LINKS) continue;
    if (match.index > at) pieces.push({ text: text.slice(at, match.index) });
    pieces.push({ text: raw, url: url.href });
    at = match.index + raw.length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at) });
  return pieces;
}

/** @param {string} raw */
export function parse(raw) {
  try {
    const url = new URL(raw);
    if (url.protocol === "mailto:") return url.pathname.includes("@") ? url : null;
    return url.protocol === "https:" && url.hostname ? url : null;
  } catch {
    return null;
  }
}

/** Who would be reached, in letters; `ascii` differs from it when the name uses other alphabets. @param {string} href */
export function destination(href) {
  const url = new URL(href);
  if (url.protocol === "mailto:") return { mail: true, name: decodeURIComponent(url.pathname), ascii: url.pathname };
  return { mail: false, name: toUnicode(url.hostname), ascii: url.hostname };
}
