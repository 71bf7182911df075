// What is half written, per room, for as long as the page lives.

/** @typedef {import("../backend/api").Staged} Staged */
/** @typedef {{key: string, name: string, staged: Staged | null, url: string}} Attachment `staged` is null while it is handed over; `url` shows it */
/** @typedef {{text: string, replyTo: string | null, attachments: Attachment[]}} Draft */

/** Pictures that may wait in one draft. */
export const MAX_ATTACHMENTS = 10;

/** @type {Map<string, Draft>} */
const drafts = new Map();

/** @param {string} room @returns {Draft} */
export function draftOf(room) {
  let draft = drafts.get(room);
  if (!draft) drafts.set(room, (draft = { text: "", replyTo: null, attachments: [] }));
  return draft;
}
