// Tells the others that this person is typing: with the keys, but not with every one of them.
import { app } from "../stores/app.js";
import { others } from "../stores/select.js";

/** Once in so long is enough: what was heard holds for twice as long. */
export const EVERY_MS = 2_500;

export class TypingWord {
  last = -Infinity;

  /** @param {string} room */
  constructor(room) {
    this.room = room;
  }

  /** @param {import("../stores/drafts.js").Draft} draft @param {import("../backend/api").Room} room */
  key(draft, room) {
    const now = performance.now();
    if (draft.editing || draft.text.trim() === "" || now - this.last < EVERY_MS) return;
    if (!others(room).some((m) => m.presence === "online")) return;
    this.last = now;
    app.send({ type: "typing", room: this.room }).catch(() => {
      // Nothing is lost with it.
    });
  }

  /** The message is there: the next key tells at once. */
  sent() {
    this.last = -Infinity;
  }
}
