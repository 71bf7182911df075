// Which of a long timeline's rows are in the page: a slice that follows the reader, at most MAX_ROWS of them.

/** Never more rows than this in the page. */
export const MAX_ROWS = 160;
/** How many more come at an edge. */
export const STEP = 40;

/** @typedef {{start: number, end: number}} Slice half open */

/** The newest rows. @param {number} total @returns {Slice} */
export const newest = (total) => ({ start: Math.max(0, total - MAX_ROWS / 2), end: total });

/** The rows around one. @param {number} at @param {number} total @returns {Slice} */
export function around(at, total) {
  const start = Math.max(0, at - MAX_ROWS / 4);
  return { start, end: Math.min(total, start + MAX_ROWS / 2) };
}

/** More above, fewer below. @param {Slice} slice @returns {Slice} */
export function older({ start, end }) {
  const from = Math.max(0, start - STEP);
  return { start: from, end: Math.min(end, from + MAX_ROWS) };
}

/** More below, fewer above. @param {Slice} slice @param {number} total @returns {Slice} */
export function newer({ start, end }, total) {
  const to = Math.min(total, end + STEP);
  return { start: Math.max(start, to - MAX_ROWS), end: to };
}

/**
 * The same stretch after rows came or went elsewhere: it still begins and ends at the rows it began and ended at. One
 * that reached the newest row still does, as far as the cap allows.
 * @param {Slice} slice @param {readonly string[]} before @param {readonly string[]} after keys @returns {Slice}
 */
export function follow({ start, end }, before, after) {
  const index = new Map(after.map((key, i) => [key, i]));
  let from = -1, to = -1;
  for (let i = start; i < end && from < 0; i++) from = index.get(before[i]) ?? -1;
  for (let i = end - 1; i >= start && to < 0; i--) to = index.get(before[i]) ?? -1;
  if (from < 0 || to < from) return newest(after.length);
  const last = end === before.length ? after.length : to + 1;
  return { start: from, end: Math.min(last, from + MAX_ROWS) };
}
