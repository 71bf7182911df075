// Which parts of a text a search means: words that begin with one of the words that were looked for.
import { fold } from "./fold.js";

/** @typedef {{text: string, hit: boolean}} Part */

/** Characters of a preview that stand before the first hit. */
const LEAD = 40;
/** Characters that one preview has at most. */
export const MAX_SNIPPET = 220;

const WORD = /[\p{L}\p{N}\p{M}]+/gu;

/** The words of a query as they are compared. @param {string} query */
export const wordsOf = (query) => [...new Set([...query.matchAll(WORD)].map(([word]) => fold(word)).filter(Boolean))].sort((a, b) => b.length - a.length);

/** @param {string} text @param {readonly string[]} words as `wordsOf` has them @returns {{start: number, end: number}[]} */
export function hits(text, words) {
  if (words.length === 0) return [];
  return [...text.matchAll(WORD)].flatMap(({ 0: word, index }) => {
    const folded = fold(word);
    const wanted = words.find((w) => folded.startsWith(w));
    return wanted ? [{ start: index, end: index + lengthOf(word, wanted.length) }] : [];
  });
}

/** How much of a word stands for so many folded characters; accents that follow belong to it. @param {string} word @param {number} folded */
function lengthOf(word, folded) {
  let end = 0, seen = 0;
  for (const char of word) {
    const more = fold(char).length;
    if (seen >= folded && more > 0) break;
    seen += more;
    end += char.length;
  }
  return end;
}

/** @param {string} text @param {readonly {start: number, end: number}[]} found @returns {Part[]} */
function parts(text, found) {
  /** @type {Part[]} */
  const all = [];
  let at = 0;
  for (const { start, end } of found) {
    if (start > at) all.push({ text: text.slice(at, start), hit: false });
    all.push({ text: text.slice(start, end), hit: true });
    at = end;
  }
  if (at < text.length) all.push({ text: text.slice(at), hit: false });
  return all;
}

/** A piece of a text around its first hit, on word boundaries, with what was found in it. @param {string} text @param {string} query @returns {Part[]} */
export function snippet(text, query) {
  const words = wordsOf(query);
  const first = hits(text, words)[0]?.start ?? 0;
  let from = first > LEAD ? text.indexOf(" ", first - LEAD) + 1 : 0;
  if (first - from > LEAD || from > first) from = whole(text, first - LEAD); // One very long word.
  const long = text.length - from > MAX_SNIPPET;
  const to = long ? whole(text, from + MAX_SNIPPET) : text.length;
  const piece = text.slice(from, to);
  const all = parts(piece, hits(piece, words));
  if (from > 0) all.unshift({ text: "…", hit: false });
  if (long) all.push({ text: "…", hit: false });
  return all;
}

/** Not inside a pair of surrogates. @param {string} text @param {number} at */
const whole = (text, at) => (/[\udc00-\udfff]/.test(text[at] ?? "") ? Math.max(0, at - 1) : Math.max(0, at));
