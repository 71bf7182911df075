// The stores that follow what the backend tells, besides the state itself.
import { app } from "./app.js";
import { PinStore } from "./pins.js";
import { Store } from "./store.js";
import { TypingStore } from "./typing.js";

export const typing = new TypingStore();
export const pins = new PinStore(async (room) => {
  const reply = await app.send({ type: "pinned", room });
  return reply.type === "messages" ? reply.messages : [];
});

/** A message that the person wants to see, and what they looked for, until its room shows it. */
export const wanted = new Store(/** @type {{room: string, message: string, query?: string} | null} */ (null));

/** @param {string} room */
export const loadPins = (room) => pins.load(room).catch(() => {
  // The link went: the next snapshot reads them again.
});

app.news.addEventListener("change", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  typing.take(detail);
  pins.take(detail)?.catch(() => {});
});
app.news.addEventListener("snapshot", () => {
  for (const room of Object.keys(pins.value)) loadPins(room);
});
