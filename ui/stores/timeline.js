// The stretch of a room's timeline that is loaded: ascending, without holes, with what is known to lie beyond both ends.

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Delivery} Delivery */
/** @typedef {import("../backend/api").BlobView} BlobView */
/** @typedef {{messages: Message[], more: boolean, newer: boolean, stale: boolean}} Timeline `more`: older ones exist; `newer`: newer ones do; `stale`: a resync is due before it is trusted */
/** @typedef {{messages: readonly Message[], more: boolean, newer: boolean}} Page */

/** @param {readonly Message[]} messages @param {string} order the place where a message of that order stands or would stand */
function place(messages, order) {
  let low = 0, high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].order < order) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A message came or changed. One beyond the loaded stretch waits there for its page. @param {Timeline} timeline @param {Message} message @returns {Timeline} */
export function insert(timeline, message) {
  const { messages } = timeline;
  const at = place(messages, message.order);
  if (messages[at]?.id === message.id) return { ...timeline, messages: messages.with(at, message) };
  const moved = messages.findIndex((m) => m.id === message.id);
  if (moved >= 0) return insert({ ...timeline, messages: messages.toSpliced(moved, 1) }, message);
  if (at === 0 && timeline.more) return timeline;
  if (at === messages.length && timeline.newer) return timeline;
  return { ...timeline, messages: messages.toSpliced(at, 0, message) };
}

/** Whether a message of that order would stand in the loaded stretch. @param {Timeline} timeline @param {string} order */
export function covers({ messages, more, newer }, order) {
  const at = place(messages, order);
  return !(at === 0 && more) && !(at === messages.length && newer);
}

/** An older page stands before what is there. @param {Timeline} timeline @param {readonly Message[]} page @param {boolean} more @returns {Timeline} */
export function prepend(timeline, page, more) {
  const known = new Set(timeline.messages.map((m) => m.id));
  return { ...timeline, messages: [...page.filter((m) => !known.has(m.id)), ...timeline.messages], more };
}

/** A newer page stands after what is there. @param {Timeline} timeline @param {readonly Message[]} page @param {boolean} newer @returns {Timeline} */
export function append(timeline, page, newer) {
  const known = new Set(timeline.messages.map((m) => m.id));
  return { ...timeline, messages: [...timeline.messages, ...page.filter((m) => !known.has(m.id))], newer };
}

/** @param {Page} page @returns {Timeline} */
export const from = ({ messages, more, newer }) => ({ messages: [...messages], more, newer, stale: false });

/** @param {Timeline} timeline @param {Record<string, Delivery | undefined>} delivery by message @returns {Timeline} */
export function deliver(timeline, delivery) {
  if (!timeline.messages.some((m) => delivery[m.id])) return timeline;
  const messages = timeline.messages.map((m) => (delivery[m.id] ? { ...m, delivery: delivery[m.id] ?? null } : m));
  return { ...timeline, messages };
}

/** A blob may stand in several messages. @param {Timeline} timeline @param {BlobView} blob @returns {Timeline} */
export function transfer(timeline, blob) {
  let touched = false;
  const messages = timeline.messages.map((m) => {
    if (m.body.type !== "picture" || m.body.picture.blob !== blob.blob) return m;
    touched = true;
    return { ...m, body: { ...m.body, picture: { ...m.body.picture, transfer: blob.transfer } } };
  });
  return touched ? { ...timeline, messages } : timeline;
}
