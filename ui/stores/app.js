// The one place where the page meets its backend: keeps the state in step with events, and loads timelines.
import { PortError } from "../backend/port.js";
import { Store } from "./store.js";
import { INITIAL, addTrouble, applyEvent, applySnapshot, withTimeline } from "./state.js";
import { insert, prepend } from "./timeline.js";

/** @typedef {import("../backend/port.js").Port} Port */
/** @typedef {import("../backend/api").Command} Command */
/** @typedef {import("../backend/api").Reply} Reply */
/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Change} Change */
/** @typedef {"connecting" | "up" | "lost" | import("../backend/port.js").PortCode} Link */

/** Messages that one page of a timeline brings. */
export const PAGE = 60;
/** Pages that a search for one message reads before it gives up. */
const MAX_PAGES = 40;

export class App {
  constructor() {
    this.state = new Store(INITIAL);
    /** How the backend can be reached. */
    this.link = new Store(/** @type {Link} */ ("connecting"));
    /** @type {EventTarget} emits `message` (a new one came) and `ring`, with the change as `detail` */
    this.news = new EventTarget();
    /** @type {Map<string, Promise<void>>} */
    this.loading = new Map();
    /** Events that came while a new snapshot was on its way. @type {import("../backend/api").Event[] | null} */
    this.held = null;
  }

  /** @param {Port} port */
  async connect(port) {
    this.port = port;
    try {
      await port.connect({
        snapshot: (snapshot) => this.takeSnapshot(snapshot),
        event: (event) => this.takeEvent(event),
        link: (up) => this.link.set(up ? "up" : "lost"),
      });
      this.link.set("up");
    } catch (thrown) {
      this.link.set(PortError.from(thrown).code);
    }
  }

  /** @param {import("../backend/api").Snapshot} snapshot */
  takeSnapshot(snapshot) {
    const before = this.state.value;
    const timelines = Object.fromEntries(
      Object.entries(before.timelines)
        .filter(([id]) => snapshot.rooms.some((room) => room.id === id))
        .map(([id, timeline]) => [id, { ...timeline, stale: true }]),
    );
    this.state.set({ ...applySnapshot(before, snapshot), timelines });
    if (snapshot.phase === "broken" && before.troubles.length === 0) this.askWhatIsBroken();
    for (const id of Object.keys(timelines)) this.refresh(id);
  }

  /** A page that came too late for the `trouble` change learns it from a refusal. */
  askWhatIsBroken() {
    this.send({ type: "createRoom", name: "" }).catch((/** @type {PortError} */ error) => {
      this.state.set(addTrouble(this.state.value, /** @type {any} */ ({ code: error.code, message: error.message })));
    });
  }

  /** @param {import("../backend/api").Event} event */
  takeEvent(event) {
    if (this.held) {
      this.held.push(event);
      return;
    }
    const { state, outcome } = applyEvent(this.state.value, event);
    if (outcome === "gap") this.resync(event);
    if (outcome !== "applied") return;
    const { change } = event;
    if (change.type === "message" && !this.knows(change.room, change.message.id)) this.tell("message", change);
    if (change.type === "ring") this.tell("ring", change);
    this.state.set(state);
  }

  /** @param {string} type @param {Change} change */
  tell(type, change) {
    this.news.dispatchEvent(new CustomEvent(type, { detail: change }));
  }

  /** @param {string} room @param {string} message */
  knows(room, message) {
    return this.state.value.timelines[room]?.messages.some((m) => m.id === message) ?? false;
  }

  /** Takes a new snapshot because an event was missed. @param {import("../backend/api").Event} event the one that told */
  async resync(event) {
    this.held = [event];
    const reply = await this.send({ type: "snapshot" }).catch(() => null); // A lost link brings a snapshot when it returns.
    const { held } = this;
    this.held = null;
    if (reply?.type !== "snapshot") return;
    this.takeSnapshot(reply.snapshot);
    for (const later of held) this.takeEvent(later);
  }

  /** @param {Command} command @returns {Promise<Reply>} */
  async send(command) {
    if (!this.port) throw new PortError("linkLost", "no backend yet");
    return this.port.send(command);
  }

  /** Loads a room's newest page if nothing is loaded. @param {string} room */
  open(room) {
    const known = this.state.value.timelines[room];
    return known && !known.stale ? Promise.resolve() : this.once(room, () => this.loadNewest(room));
  }

  /** Loads the page before the oldest that is loaded. @param {string} room @returns {Promise<void>} */
  loadOlder(room) {
    return this.once(room, async () => {
      const timeline = this.state.value.timelines[room];
      if (!timeline?.more) return;
      const before = timeline.messages[0]?.id ?? null;
      const reply = await this.send({ type: "timeline", room, before, limit: PAGE });
      if (reply.type !== "timeline") return;
      this.state.set(withTimeline(this.state.value, room, (t) => prepend(t, reply.messages, reply.more)));
    });
  }

  /** Loads older pages until a message is there. @param {string} room @param {string} message */
  async seek(room, message) {
    await this.open(room);
    for (let page = 0; page < MAX_PAGES && !this.knows(room, message); page++) {
      if (!this.state.value.timelines[room]?.more) break;
      await this.loadOlder(room);
    }
    return this.knows(room, message);
  }

  /** @param {string} room */
  async loadNewest(room) {
    const oldest = this.state.value.timelines[room]?.messages[0];
    /** @type {Message[]} */
    let messages = [];
    let more = true;
    // After a resync as much is read as was loaded before, so that nobody's place in the history is lost.
    for (let page = 0; page === 0 || (more && oldest && messages[0]?.order > oldest.order && page < MAX_PAGES); page++) {
      const reply = await this.send({ type: "timeline", room, before: messages[0]?.id ?? null, limit: PAGE });
      if (reply.type !== "timeline") return;
      messages = [...reply.messages, ...messages];
      more = reply.more;
    }
    // What came while the page was on its way is in no page before it: keep the newer ones.
    const last = messages.at(-1);
    const current = this.state.value;
    let timeline = { messages, more, stale: false };
    const newer = (/** @type {Message} */ m) => !last || m.order > last.order;
    for (const message of current.timelines[room]?.messages.filter(newer) ?? []) timeline = insert(timeline, message);
    const latest = current.rooms.find((r) => r.id === room)?.last;
    if (latest && newer(latest)) timeline = insert(timeline, latest);
    this.state.set({ ...current, timelines: { ...current.timelines, [room]: timeline } });
  }

  /** @param {string} room */
  refresh(room) {
    this.once(room, () => this.loadNewest(room)).catch(() => {
      // The link went again: the next snapshot refreshes again.
    });
  }

  /** One loading per room at a time. @param {string} room @param {() => Promise<void>} load @returns {Promise<void>} */
  once(room, load) {
    const under = this.loading.get(room);
    if (under) return under;
    const promise = load().finally(() => this.loading.delete(room));
    this.loading.set(room, promise);
    return promise;
  }
}

export const app = new App();
