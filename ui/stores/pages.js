// Loads timelines page by page: one loading per room at a time, and what comes meanwhile is put in afterwards, so that
// no page that was on its way hides it.
import * as timeline from "./timeline.js";

/** @typedef {import("../backend/api").Message} Message */
/** @typedef {import("../backend/api").Reply} Reply */
/** @typedef {import("../backend/api").Command} Command */
/** @typedef {import("./timeline.js").Timeline} Timeline */
/** @typedef {{send: (command: Command) => Promise<Reply>, get: (room: string) => Timeline | undefined, set: (room: string, timeline: Timeline) => void}} Source */

/** Messages that one page of a timeline brings. */
export const PAGE = 60;
/** Messages that are tried to find the place again: the last ones may be hidden now. */
const MAX_ANCHORS = 8;
/** Pages that are read again at most after the backend was lost. */
const MAX_PAGES = 40;

export class Pages {
  /** @type {Map<string, Promise<void>>} */
  loading = new Map();
  /** What came while a page was on its way, by room. @type {Map<string, Message[]>} */
  late = new Map();

  /** Rooms that are read again as soon as nothing of them is on its way. @type {Set<string>} */
  due = new Set();

  /** @param {Source} source */
  constructor(source) {
    this.source = source;
  }

  /** A message came or changed. @param {string} room @param {Message} message */
  heard(room, message) {
    this.late.get(room)?.push(message);
  }

  /** Loads a room's newest page if nothing is loaded. @param {string} room */
  open(room) {
    const known = this.source.get(room);
    return known && !known.stale ? Promise.resolve() : this.once(room, () => this.again(room));
  }

  /** Loads the page before the oldest that is loaded. @param {string} room @returns {Promise<void>} */
  older(room) {
    return this.once(room, async () => {
      const first = this.source.get(room)?.messages[0];
      if (!first || !this.source.get(room)?.more) return;
      const page = await this.page(room, { before: first.id });
      this.change(room, (t) => timeline.prepend(t, page.messages, page.more));
    });
  }

  /** Loads the page after the newest that is loaded. @param {string} room @returns {Promise<void>} */
  newer(room) {
    return this.once(room, async () => {
      const last = this.source.get(room)?.messages.at(-1);
      if (!last || !this.source.get(room)?.newer) return;
      const page = await this.page(room, { after: last.id });
      this.change(room, (t) => timeline.append(t, page.messages, page.newer));
    });
  }

  /** Goes to the newest page, however far away it is. @param {string} room @returns {Promise<void>} */
  async newest(room) {
    await this.rest(room);
    if (this.source.get(room)?.newer !== false) await this.once(room, async () => this.source.set(room, timeline.from(await this.page(room, {}))));
  }

  /** Loads a message and what stands around it, unless it is loaded. @param {string} room @param {string} message @returns {Promise<boolean>} whether it is there */
  async seek(room, message) {
    await this.open(room);
    await this.rest(room);
    if (!this.knows(room, message)) await this.once(room, async () => this.source.set(room, timeline.from(await this.page(room, { around: message }))));
    return this.knows(room, message);
  }

  /** Reads the loaded stretch again, so that nobody's place in the history is lost. @param {string} room */
  async again(room) {
    const known = this.source.get(room);
    const oldest = known?.messages[0];
    const first = known?.newer ? await this.near(room, known.messages) : null;
    let read = timeline.from(first ?? (await this.page(room, {})));
    for (let n = 1; read.more && oldest && read.messages[0]?.order > oldest.order && n < MAX_PAGES; n++) {
      const page = await this.page(room, { before: read.messages[0].id });
      read = timeline.prepend(read, page.messages, page.more);
    }
    this.source.set(room, read);
  }

  /** The page around the last of the messages that is still shown. @param {string} room @param {readonly Message[]} messages */
  async near(room, messages) {
    const authors = new Set();
    const anchors = messages.toReversed().filter(({ author }) => !authors.has(author) && authors.add(author)).slice(0, MAX_ANCHORS);
    for (const { id } of anchors) {
      const page = await this.page(room, { around: id }).catch(() => null);
      if (page) return page;
    }
    return null;
  }

  /** Other messages of a room are shown than before: also a page that is on its way is out of date. @param {string} room */
  async reread(room) {
    if (this.due.has(room) || !(this.source.get(room) || this.loading.has(room))) return;
    this.due.add(room);
    while (this.loading.has(room)) await this.loading.get(room)?.catch(() => {});
    this.due.delete(room);
    this.refresh(room);
  }

  /** @param {string} room */
  refresh(room) {
    this.once(room, () => this.again(room)).catch(() => {
      // The link went again: the next snapshot refreshes again.
    });
  }

  /** @param {string} room @param {string} message */
  knows(room, message) {
    return this.source.get(room)?.messages.some((m) => m.id === message) ?? false;
  }

  /** @param {string} room @param {{before?: string, after?: string, around?: string}} where @returns {Promise<timeline.Page>} */
  async page(room, where) {
    const reply = await this.source.send({ type: "timeline", room, limit: PAGE, ...where });
    if (reply.type !== "timeline") throw new Error(`a timeline was asked for, ${reply.type} came`);
    return reply;
  }

  /** @param {string} room @param {(t: Timeline) => Timeline} change */
  change(room, change) {
    const known = this.source.get(room);
    if (known) this.source.set(room, change(known));
  }

  /** Until nothing of this room is on its way. @param {string} room */
  async rest(room) {
    while (this.loading.has(room)) await this.loading.get(room)?.catch(() => {});
  }

  /** One loading per room at a time. @param {string} room @param {() => Promise<void>} load @returns {Promise<void>} */
  once(room, load) {
    const under = this.loading.get(room);
    if (under) return under;
    this.late.set(room, []);
    const promise = load().then(() => this.change(room, (t) => (this.late.get(room) ?? []).reduce(timeline.insert, t))).finally(() => {
      this.loading.delete(room);
      this.late.delete(room);
    });
    this.loading.set(room, promise);
    return promise;
  }
}
