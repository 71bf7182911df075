// From messages to what the timeline shows: days, groups of one author within five minutes, system lines, the unread line.
import { dayKey } from "./format.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {{kind: "message", key: string, day: string, time: number, message: Message, head: boolean, tail: boolean}} MessageRow */
/** @typedef {{kind: "system", key: string, day: string, time: number, messages: Message[]}} SystemRow */
/** @typedef {{kind: "unread", key: string, day: string, time: number}} UnreadRow */
/** @typedef {MessageRow | SystemRow | UnreadRow} Row */
/** @typedef {{key: string, time: number, rows: Row[]}} Day */

/** Messages of one author closer than this stand together. */
export const GROUP_MS = 5 * 60_000;

/** @type {ReadonlySet<Message["body"]["type"]>} */
const SYSTEM = new Set(["created", "joined", "deviceLinked", "deviceUnlinked", "left", "removed", "roleChanged", "roomChanged"]);

/** Something that happened, rather than something that was said. @param {Message} message */
export const isSystem = (message) => SYSTEM.has(message.body.type);

/**
 * @param {readonly Message[]} messages ascending
 * @param {string | null} firstUnread the message above which the unread line stands
 * @returns {Row[]}
 */
export function toRows(messages, firstUnread) {
  /** @type {Row[]} */
  const rows = [];
  for (const message of messages) {
    const day = dayKey(message.time);
    const time = message.time;
    if (message.id === firstUnread) rows.push({ kind: "unread", key: "unread", day, time });
    const last = rows.at(-1);
    if (isSystem(message)) {
      if (last?.kind === "system" && last.day === day) last.messages.push(message);
      else rows.push({ kind: "system", key: `s${message.id}`, day, time, messages: [message] });
      continue;
    }
    const joins =
      last?.kind === "message" && last.day === day && last.message.author === message.author &&
      Math.abs(time - last.time) < GROUP_MS && !message.replyTo;
    if (joins) last.tail = false;
    rows.push({ kind: "message", key: message.id, day, time, message, head: !joins, tail: true });
  }
  return rows;
}

/** Puts consecutive rows of a day together. @param {readonly Row[]} rows @returns {Day[]} */
export function toDays(rows) {
  /** @type {Day[]} */
  const days = [];
  const seen = new Map();
  for (const row of rows) {
    const last = days.at(-1);
    if (last && last.rows[0].day === row.day) {
      last.rows.push(row);
      continue;
    }
    // Clocks differ between people: a day may come twice, and its second stretch needs a key of its own.
    const nth = (seen.get(row.day) ?? 0) + 1;
    seen.set(row.day, nth);
    days.push({ key: nth === 1 ? row.day : `${row.day}#${nth}`, time: row.time, rows: [row] });
  }
  return days;
}
