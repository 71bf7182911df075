// Who is typing where. It ends by itself, or with what they typed.
import { Store } from "./store.js";

/** How long one word of it holds. */
export const TYPING_MS = 6_000;
/** The most that are kept per room. */
export const MAX_TYPING = 16;

/** @typedef {Record<string, string[]>} Typing devices by room, the first one first */

/** @extends {Store<Typing>} */
export class TypingStore extends Store {
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  timers = new Map();

  constructor() {
    super(/** @type {Typing} */ ({}));
  }

  /** @param {import("../backend/api").Change} change */
  take(change) {
    if (change.type === "typing") this.heard(change.room, change.device);
    if (change.type === "message" && change.message.edited === null) this.ended(change.room, change.message.author);
    if (change.type === "roomRemoved") for (const device of this.value[change.room] ?? []) this.ended(change.room, device);
  }

  /** @param {string} room @param {string} device */
  heard(room, device) {
    const here = this.value[room] ?? [];
    if (!here.includes(device)) {
      if (here.length >= MAX_TYPING) return;
      this.set({ ...this.value, [room]: [...here, device] });
    }
    const key = `${room} ${device}`;
    clearTimeout(this.timers.get(key));
    this.timers.set(key, setTimeout(() => this.ended(room, device), TYPING_MS));
  }

  /** @param {string} room @param {string} device */
  ended(room, device) {
    const here = this.value[room];
    if (!here?.includes(device)) return;
    const key = `${room} ${device}`;
    clearTimeout(this.timers.get(key));
    this.timers.delete(key);
    this.set({ ...this.value, [room]: here.filter((d) => d !== device) });
  }
}
