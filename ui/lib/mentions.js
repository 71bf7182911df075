// People named while a message is being written: found by what follows an @, kept in place while the words around move.
import { fold } from "./fold.js";

/** @typedef {import("../backend/api").Mention} Mention */
/** @typedef {{device: string, name: string}} Named */

/** People that are offered at once. */
export const MAX_OFFERED = 8;
const ASKING = /(?:^|[\s([{"'“„«>*_])@([^\n@]{0,40})$/u;

/** What stands between an @ and the caret. @param {string} text @param {number} caret @returns {{start: number, word: string} | null} */
export function asked(text, caret) {
  const match = ASKING.exec(text.slice(Math.max(0, caret - 42), caret));
  return match ? { start: caret - match[1].length - 1, word: match[1] } : null;
}

/** Who may be meant: names that begin so first, then those with a word that does. @template {Named} T @param {readonly T[]} people @param {string} word @returns {T[]} */
export function offer(people, word) {
  const wanted = fold(word);
  const begins = people.filter((p) => fold(p.name).startsWith(wanted));
  const inside = people.filter((p) => !begins.includes(p) && fold(p.name).split(/\s+/).some((part) => part.startsWith(wanted)));
  return [...begins, ...inside].slice(0, MAX_OFFERED);
}

/** The mentions after a text was changed anywhere: those before it stay, those after it move, those in it are gone. @param {readonly Mention[]} mentions @param {string} before @param {string} after @returns {Mention[]} */
export function shift(mentions, before, after) {
  if (mentions.length === 0 || before === after) return [...mentions];
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const end = before.length - tail;
  const by = after.length - before.length;
  return mentions.flatMap((m) => {
    if (m.start + m.length <= head) return [m];
    return m.start >= end ? [{ ...m, start: m.start + by }] : [];
  });
}

/** Mentions in a text that came without any, as a draft does: names that only one person has. @param {string} text @param {readonly Named[]} people @returns {Mention[]} */
export function find(text, people) {
  const named = people.filter((p) => people.filter((o) => o.name === p.name).length === 1).sort((a, b) => b.name.length - a.name.length);
  /** @type {Mention[]} */
  const found = [];
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const person = named.find((p) => text.startsWith(p.name, at + 1) && !/[\p{L}\p{N}]/u.test(text[at + 1 + p.name.length] ?? ""));
    if (person) found.push({ device: person.device, start: at, length: person.name.length + 1 });
  }
  return found;
}

/** The text as it is sent, without what is empty around it, and its mentions there. @param {string} text @param {readonly Mention[]} mentions */
export function trimmed(text, mentions) {
  if (text.trim() === "") return { text: "", mentions: [] };
  const head = /^\n*/.exec(text)?.[0].length ?? 0;
  const rest = text.slice(head).trimEnd();
  return { text: rest, mentions: mentions.map((m) => ({ ...m, start: m.start - head })).filter((m) => m.start >= 0 && m.start + m.length <= rest.length) };
}
