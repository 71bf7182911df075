// What is half written, per room. The words are kept by the backend too, so that they are there after a restart.
import { app } from "./app.js";

/** @typedef {import("../backend/api").Staged} Staged */
/** @typedef {import("../backend/api").Mention} Mention */
/** @typedef {{key: string, name: string, staged: Staged | null, url: string}} Attachment `staged` is null while it is handed over; `url` shows it */
/** @typedef {{text: string, mentions: Mention[], replyTo: string | null}} Words */
/** @typedef {Words & {attachments: Attachment[], editing: {message: string, kept: Words} | null}} Draft `editing` puts what was being written aside */

/** Pictures that may wait in one draft. */
export const MAX_ATTACHMENTS = 10;
/** Bytes of UTF-8 that one message, and one draft, may have. */
export const MAX_TEXT_BYTES = 16_384;
/** How long after the last key a draft is kept. */
export const KEEP_AFTER_MS = 700;

/** @type {Map<string, Draft>} */
const drafts = new Map();
/** What the backend keeps, as far as is known here. @type {Map<string, string>} */
const told = new Map();
/** @type {Map<string, ReturnType<typeof setTimeout>>} */
const timers = new Map();

/** @param {string} room @param {string | null} [kept] what the backend keeps of it @returns {Draft} */
export function draftOf(room, kept = null) {
  let draft = drafts.get(room);
  if (!draft) {
    drafts.set(room, (draft = { text: kept ?? "", mentions: [], replyTo: null, attachments: [], editing: null }));
    told.set(room, draft.text);
  }
  return draft;
}

/** What of a draft is kept: not a change of a message that is there, and no more than may be. @param {Draft} draft */
function wordsToKeep(draft) {
  const { text } = draft.editing?.kept ?? draft;
  if (text.trim() === "") return "";
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= MAX_TEXT_BYTES) return text;
  return new TextDecoder().decode(bytes.subarray(0, MAX_TEXT_BYTES), { stream: true }); // Leaves out a character that is cut.
}

/** Has a draft kept soon. @param {string} room */
export function keepSoon(room) {
  clearTimeout(timers.get(room));
  timers.set(room, setTimeout(() => keep(room), KEEP_AFTER_MS));
}

/** Has a draft kept now, if it changed. @param {string} room */
export function keep(room) {
  clearTimeout(timers.get(room));
  timers.delete(room);
  const draft = drafts.get(room);
  if (!draft) return;
  const text = wordsToKeep(draft);
  if (text === told.get(room)) return;
  const before = told.get(room) ?? "";
  told.set(room, text);
  app.send({ type: "setDraft", room, text }).catch(() => told.set(room, before)); // Tried again with the next key.
}

/** The page may go: nothing waits any longer. */
export function keepAll() {
  for (const room of [...timers.keys()]) keep(room);
}

if (globalThis.document) {
  addEventListener("pagehide", keepAll);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keepAll());
}
