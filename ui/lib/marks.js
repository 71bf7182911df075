// Mentions stand in a text by position. While it is taken apart each is one character that means nothing anywhere else:
// Unicode has 32 noncharacters in a row, and a message names at most 32 people.

/** @typedef {import("../backend/api").Mention} Mention */
/** @typedef {{mention: (char: string) => {device: string, text: string} | null, plain: (text: string) => string}} Read */

const FIRST = 0xfdd0;
export const MAX_MENTIONS = 32;
const ANY = /[\ufdd0-\ufdef]/g;

/** Mentions that stand where a text can have them: in order, apart, on one line. @param {string} text @param {readonly Mention[]} mentions */
export function sound(text, mentions) {
  let end = 0;
  return mentions.slice(0, MAX_MENTIONS).filter(({ start, length }) => {
    if (!Number.isInteger(start) || !Number.isInteger(length) || start < end || length < 1 || start + length > text.length) return false;
    if (text.slice(start, start + length).includes("\n")) return false;
    end = start + length;
    return true;
  });
}

/** @param {string} text @param {readonly Mention[]} mentions @returns {{text: string, read: Read}} */
export function mark(text, mentions) {
  const named = sound(text, mentions);
  const clean = (/** @type {string} */ part) => part.replace(ANY, "\ufffd"); // What Unicode advises for such a character.
  let marked = "", at = 0;
  named.forEach(({ start, length }, i) => {
    marked += clean(text.slice(at, start)) + String.fromCharCode(FIRST + i);
    at = start + length;
  });
  const words = (/** @type {Mention} */ { start, length }) => text.slice(start, start + length);
  const of = (/** @type {string} */ char) => named[char.charCodeAt(0) - FIRST] ?? null;
  const mention = (/** @type {string} */ char) => {
    const one = of(char);
    return one && { device: one.device, text: words(one) };
  };
  const plain = (/** @type {string} */ part) => part.replace(ANY, (char) => mention(char)?.text ?? char);
  return { text: marked + clean(text.slice(at)), read: { mention, plain } };
}
