// What is pinned in each room that was opened: read once, then kept in step with the messages.
import { Store } from "./store.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {Record<string, Message[]>} Pins by room, the last pinned first */
/** @typedef {(room: string) => Promise<Message[]>} Read */

/** @extends {Store<Pins>} */
export class PinStore extends Store {
  /** Rooms whose pins are on their way; a change meanwhile has them read once more. @type {Map<string, {again: boolean}>} */
  reading = new Map();

  /** @param {Read} read */
  constructor(read) {
    super(/** @type {Pins} */ ({}));
    this.read = read;
  }

  /** @param {string} room */
  async load(room) {
    const under = this.reading.get(room);
    if (under) {
      under.again = true;
      return;
    }
    const turn = { again: false };
    this.reading.set(room, turn);
    try {
      do {
        turn.again = false;
        const messages = await this.read(room);
        this.set({ ...this.value, [room]: messages });
      } while (turn.again);
    } finally {
      this.reading.delete(room);
    }
  }

  /** @param {import("../backend/api").Change} change @returns {Promise<void> | void} */
  take(change) {
    if (change.type === "reread" && (this.value[change.room] || this.reading.has(change.room))) return this.load(change.room);
    if (change.type !== "message") return;
    const { room, message } = change;
    const here = this.value[room];
    if (!here) return this.reading.has(room) ? this.load(room) : undefined;
    const known = here.some((m) => m.id === message.id);
    if (message.pinned && !known) return this.load(room);
    if (known) this.set({ ...this.value, [room]: message.pinned ? here.map((m) => (m.id === message.id ? message : m)) : here.filter((m) => m.id !== message.id) });
  }
}
