// The one place where the page meets its backend: keeps the state in step with events, and has timelines loaded.
import { PortError } from "../backend/port.js";
import { Store } from "./store.js";
import { INITIAL, addTrouble, applyEvent, applySnapshot } from "./state.js";
import { Pages } from "./pages.js";
import { covers } from "./timeline.js";

/** @typedef {import("../backend/port.js").Port} Port */
/** @typedef {import("../backend/api").Command} Command */
/** @typedef {import("../backend/api").Reply} Reply */
/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Change} Change */
/** @typedef {"connecting" | "up" | "lost" | import("../backend/port.js").PortCode} Link */

export class App {
  constructor() {
    this.state = new Store(INITIAL);
    /** How the backend can be reached. */
    this.link = new Store(/** @type {Link} */ ("connecting"));
    /** @type {EventTarget} emits `change` (any), `message` (a new one came) and `ring`, with the change as `detail`; `snapshot` */
    this.news = new EventTarget();
    this.pages = new Pages({
      send: (command) => this.send(command),
      get: (room) => this.state.value.timelines[room],
      set: (room, timeline) => this.state.set({ ...this.state.value, timelines: { ...this.state.value.timelines, [room]: timeline } }),
    });
    /** The order of the newest message that was told of, by room. @type {Map<string, string>} */
    this.newest = new Map();
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
    for (const room of snapshot.rooms) this.newest.set(room.id, room.last?.order ?? "");
    for (const id of Object.keys(timelines)) this.pages.refresh(id);
    this.news.dispatchEvent(new Event("snapshot"));
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
    const isNew = change.type === "message" && this.isNew(change);
    if (change.type === "message") this.pages.heard(change.room, change.message);
    this.state.set(state);
    if (change.type === "reread") this.pages.reread(change.room);
    this.tell("change", change);
    if (isNew) this.tell("message", change);
    if (change.type === "ring") this.tell("ring", change);
  }

  /** Whether a message was not told of before, rather than changed: an old one may change far above what is loaded. @param {Extract<Change, {type: "message"}>} change */
  isNew({ room, message }) {
    const known = this.state.value.timelines[room];
    const beyond = message.order > (this.newest.get(room) ?? "");
    if (beyond) this.newest.set(room, message.order);
    return !this.knows(room, message.id) && (beyond || (known !== undefined && covers(known, message.order)));
  }

  /** @param {string} type @param {Change} change */
  tell(type, change) {
    this.news.dispatchEvent(new CustomEvent(type, { detail: change }));
  }

  /** @param {string} room @param {string} message */
  knows(room, message) {
    return this.pages.knows(room, message);
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
    return this.pages.open(room);
  }

  /** Loads the page before the oldest that is loaded. @param {string} room */
  loadOlder(room) {
    return this.pages.older(room);
  }

  /** Loads the page after the newest that is loaded. @param {string} room */
  loadNewer(room) {
    return this.pages.newer(room);
  }

  /** Loads the newest page when it is not loaded. @param {string} room */
  loadNewest(room) {
    return this.pages.newest(room);
  }

  /** Loads a message with what stands around it. @param {string} room @param {string} message */
  seek(room, message) {
    return this.pages.seek(room, message);
  }
}

export const app = new App();
