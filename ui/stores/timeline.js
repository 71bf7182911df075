// The stretch of a room's timeline that is loaded: always up to the newest message, ascending, without holes.

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Delivery} Delivery */
/** @typedef {import("../backend/api").BlobView} BlobView */
/** @typedef {{messages: Message[], more: boolean, stale: boolean}} Timeline `stale`: a resync is due before it is trusted */

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

/** A message came or changed. One above the loaded stretch waits there for its page. @param {Timeline} timeline @param {Message} message @returns {Timeline} */
export function insert(timeline, message) {
  const { messages } = timeline;
  const at = place(messages, message.order);
  if (messages[at]?.id === message.id) return { ...timeline, messages: messages.with(at, message) };
  const moved = messages.findIndex((m) => m.id === message.id);
  if (moved >= 0) return insert({ ...timeline, messages: messages.toSpliced(moved, 1) }, message);
  if (at === 0 && timeline.more) return timeline;
  return { ...timeline, messages: messages.toSpliced(at, 0, message) };
}

/** An older page stands before what is there. @param {Timeline} timeline @param {readonly Message[]} page @param {boolean} more @returns {Timeline} */
export function prepend(timeline, page, more) {
  const known = new Set(timeline.messages.map((m) => m.id));
  return { ...timeline, messages: [...page.filter((m) => !known.has(m.id)), ...timeline.messages], more };
}

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
