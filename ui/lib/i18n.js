// Words live in locales/*.json. `t("key", {name})` fills {name}; an entry with plural forms picks by `count`.

/** @typedef {string | Record<string, string>} Entry */

/** @type {Record<string, Entry>} */
let words = {};
/** The language of the words. */
export let language = "en";
/** The locale for dates and numbers: the person's own variant of that language where there is one. */
export let locale = "en";
let plurals = new Intl.PluralRules("en");

const RIGHT_TO_LEFT = new Set(["ar", "fa", "he", "ur"]);

/** @param {string} lang @param {Record<string, Entry>} entries */
export function setWords(lang, entries) {
  words = entries;
  language = lang;
  locale = globalThis.navigator?.languages?.find((l) => l === lang || l.startsWith(`${lang}-`)) ?? lang;
  plurals = new Intl.PluralRules(lang);
  if (globalThis.document) {
    document.documentElement.lang = lang;
    document.documentElement.dir = RIGHT_TO_LEFT.has(lang) ? "rtl" : "ltr";
  }
}

/** @param {string} key */
export const has = (key) => key in words;

/** @param {string} key @param {Record<string, string | number>} [values] @returns {string} */
export function t(key, values = {}) {
  const entry = words[key];
  if (entry === undefined) return key;
  const text = typeof entry === "string" ? entry : (entry[plurals.select(Number(values.count))] ?? entry.other ?? key);
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? value.toLocaleString(locale) : isolate(value);
  });
}

const STRONG_RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u;

/** Signs that turn what follows them: a name with one could have a warning read backwards. */
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A name of the other direction must not turn the sentence around it (UAX #9, isolates). @param {string} text */
export function isolate(text) {
  const still = text.replace(TURNS, "");
  return STRONG_RIGHT_TO_LEFT.test(still) || RIGHT_TO_LEFT.has(language) ? `\u2068${still}\u2069` : still;
}

/** @param {string[]} names */
export const list = (names) => new Intl.ListFormat(locale, { type: "conjunction" }).format(names);

/** Fetches the words of the best language that there is. */
export async function loadWords() {
  const response = await fetch(new URL("../locales/en.json", import.meta.url));
  setWords("en", await response.json());
}
