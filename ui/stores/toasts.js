// Short news at the edge of the page.
import { Store } from "./store.js";

/** @typedef {{id: number, text: string, tone: "plain" | "bad"}} Toast */

const SHOWN_MS = 6_000;
const MAX_TOASTS = 3;
let lastId = 0;

export const toasts = new Store(/** @type {Toast[]} */ ([]));

/** @param {string} text @param {"plain" | "bad"} [tone] */
export function toast(text, tone = "plain") {
  const id = ++lastId;
  const others = toasts.value.filter((known) => known.text !== text);
  toasts.set([...others, { id, text, tone }].slice(-MAX_TOASTS));
  setTimeout(() => dismiss(id), SHOWN_MS);
}

/** @param {number} id */
export const dismiss = (id) => toasts.set(toasts.value.filter((known) => known.id !== id));
