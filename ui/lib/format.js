// Times, dates and sizes as people write them where they live.
import { locale, t } from "./i18n.js";

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {Intl.DateTimeFormatOptions} options */
function format(options) {
  const key = locale + JSON.stringify(options);
  let known = formats.get(key);
  if (!known) formats.set(key, (known = new Intl.DateTimeFormat(locale, options)));
  return known;
}

/** @param {number} ms */
export const clock = (ms) => format({ hour: "numeric", minute: "2-digit" }).format(ms);
/** @param {number} ms */
export const fullDate = (ms) => format({ dateStyle: "full", timeStyle: "short" }).format(ms);
/** @param {number} ms */
export const dateTime = (ms) => format({ day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }).format(ms);
/** @param {number} ms */
export const shortDate = (ms) => format({ dateStyle: "medium" }).format(ms);

/** The local calendar day, as a key. @param {number} ms */
export function dayKey(ms) {
  const d = new Date(ms);
  return `${d.getFullYear()}-${d.getMonth() + 1}-${d.getDate()}`;
}

/** A local day as a date field has it. @param {number} ms */
export function isoDay(ms) {
  const d = new Date(ms);
  return [String(d.getFullYear()).padStart(4, "0"), String(d.getMonth() + 1).padStart(2, "0"), String(d.getDate()).padStart(2, "0")].join("-");
}

/** When a day of a date field begins here; null for none. @param {string} day */
export function dayStart(day) {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  if (!match) return null;
  const time = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3])).getTime();
  return Math.max(0, time);
}

/** @param {number} from @param {number} to */
function daysBetween(from, to) {
  const midnight = (/** @type {number} */ ms) => new Date(ms).setHours(0, 0, 0, 0);
  return Math.round((midnight(to) - midnight(from)) / 86_400_000);
}

/** "Today", "Yesterday", "Monday 3 March", with the year when it is not this one. @param {number} ms @param {number} now */
export function dayName(ms, now) {
  const days = daysBetween(ms, now);
  if (days === 0) return t("day.today");
  if (days === 1) return t("day.yesterday");
  const sameYear = new Date(ms).getFullYear() === new Date(now).getFullYear();
  return format({ weekday: "long", day: "numeric", month: "long", year: sameYear ? undefined : "numeric" }).format(ms);
}

/** The time beside a room: the clock today, then the weekday, then the date. @param {number} ms @param {number} now */
export function roomTime(ms, now) {
  const days = daysBetween(ms, now);
  if (days <= 0) return clock(ms);
  if (days < 7) return format({ weekday: "short" }).format(ms);
  const sameYear = new Date(ms).getFullYear() === new Date(now).getFullYear();
  return format(sameYear ? { day: "numeric", month: "short" } : { day: "numeric", month: "numeric", year: "2-digit" }).format(ms);
}

/** @type {[number, string][]} */
const UNITS = [[604_800, "week"], [86_400, "day"], [3_600, "hour"], [60, "minute"], [1, "second"]];

/** A length of time in the largest unit that says it exactly. @param {number} seconds */
export function duration(seconds) {
  const [length, unit] = UNITS.find(([step]) => seconds > 0 && seconds % step === 0) ?? [1, "second"];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(seconds / length);
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const step = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return new Intl.NumberFormat(locale, {
    style: "unit", unit: units[step], unitDisplay: step === 0 ? "long" : "short", maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}

/** The first letters of a name, as people see letters. @param {string} name */
export function initials(name) {
  const parts = name.trim().split(/\s+/u).filter(Boolean);
  const first = firstGrapheme(parts[0] ?? "");
  const last = parts.length > 1 ? firstGrapheme(parts[parts.length - 1]) : "";
  return (first + last).toLocaleUpperCase(locale);
}

/** @param {string} text */
function firstGrapheme(text) {
  const words = text.replace(/^[\p{P}\p{S}]+(?=[\p{L}\p{N}])/u, "");
  for (const { segment } of new Intl.Segmenter(locale, { granularity: "grapheme" }).segment(words)) return segment;
  return "";
}
