// A search that follows what is typed: one question at a time, and an answer to an older one is not shown.
import { Store } from "./store.js";

/** @typedef {import("../backend/api").Hit} Hit */
/** @typedef {import("../backend/api").Reply} Reply */
/** @typedef {import("../backend/api").Command} Command */
/** @typedef {{query: string, room: string | null}} Question */
/** @typedef {{phase: "idle" | "asking" | "found" | "failed", question: Question, hits: Hit[], next: string | null, error: unknown}} Found */

/** How long typing must rest before it is searched. */
export const REST_MS = 160;
/** Hits that one page brings. */
export const PAGE = 30;
/** Bytes that a query may have. */
export const MAX_QUERY_BYTES = 256;

/** @extends {Store<Found>} */
export class Search extends Store {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;

  /** @param {(command: Command) => Promise<Reply>} send */
  constructor(send) {
    super(/** @type {Found} */ ({ phase: "idle", question: { query: "", room: null }, hits: [], next: null, error: null }));
    this.send = send;
  }

  /** What was typed, as far as it can be asked: whole characters, no more than may be. @param {string} typed */
  static clean(typed) {
    const query = typed.trim().replace(/\s+/g, " ");
    const bytes = new TextEncoder().encode(query);
    return bytes.length <= MAX_QUERY_BYTES ? query : new TextDecoder().decode(bytes.subarray(0, MAX_QUERY_BYTES), { stream: true });
  }

  /** @param {string} typed @param {string | null} room all of them, or one */
  ask(typed, room) {
    const question = { query: Search.clean(typed), room };
    const { question: before, phase } = this.value;
    if (question.query === before.query && room === before.room && phase !== "failed") return;
    this.stop();
    if (!/[\p{L}\p{N}]/u.test(question.query)) return this.set({ phase: "idle", question, hits: [], next: null, error: null });
    // What was found before stays until the answer is there: nothing flickers between two letters.
    this.set({ ...this.value, phase: "asking", question, next: null });
    this.timer = setTimeout(() => this.read(question, []), REST_MS);
  }

  /** The hits after those that are there. */
  more() {
    const { phase, question, hits, next } = this.value;
    if (phase !== "found" || !next) return Promise.resolve();
    this.set({ ...this.value, phase: "asking" });
    return this.read(question, hits, next);
  }

  /** @param {Question} question @param {Hit[]} before @param {string | null} [next] */
  async read(question, before, next = null) {
    try {
      const reply = await this.send({ type: "search", query: question.query, room: question.room, next, limit: PAGE });
      if (this.value.question !== question || reply.type !== "found") return;
      this.set({ phase: "found", question, hits: [...before, ...reply.hits], next: reply.next, error: null });
    } catch (error) {
      if (this.value.question === question) this.set({ ...this.value, phase: "failed", hits: before, next: null, error });
    }
  }

  stop() {
    clearTimeout(this.timer);
  }
}
