// The state as the backend tells it, and how each change moves it. Pure: the same change on the same state gives the
// same state, and what did not change keeps its identity.
import * as timeline from "./timeline.js";

/** @typedef {import("../backend/api").Snapshot} Snapshot */
/** @typedef {import("../backend/api").Change} Change */
/** @typedef {import("../backend/api").Event} Event */
/** @typedef {import("../backend/api").Room} Room */
/** @typedef {import("../backend/api").Join} Join */
/** @typedef {import("../backend/api").ApiError} ApiError */
/** @typedef {Snapshot & {timelines: Record<string, timeline.Timeline>, troubles: ApiError[]}} State */

/** The most troubles that are kept to show. */
export const MAX_TROUBLES = 8;

/** @type {State} */
export const INITIAL = {
  rev: 0, phase: "setup", me: null, rooms: [], joins: [], network: { brokers: [], links: 0, embedded: [] },
  privacy: { receipts: true, typing: true }, devices: { linked: [], requests: [], code: null, linking: null }, version: "", timelines: {}, troubles: [],
};

/** A snapshot replaces everything but the timelines, which are read again page by page. @param {State} state @param {Snapshot} snapshot @returns {State} */
export const applySnapshot = (state, snapshot) => ({ ...state, ...snapshot });

/**
 * What an event does: applied, already known (it is older than the snapshot), or out of step: then a new snapshot is due.
 * @param {State} state @param {Event} event @returns {{state: State, outcome: "applied" | "known" | "gap"}}
 */
export function applyEvent(state, event) {
  if (event.rev <= state.rev) return { state, outcome: "known" };
  if (event.rev > state.rev + 1) return { state, outcome: "gap" };
  return { state: { ...applyChange(state, event.change), rev: event.rev }, outcome: "applied" };
}

/** @param {State} state @param {Change} change @returns {State} */
export function applyChange(state, change) {
  switch (change.type) {
    case "phase": return { ...state, phase: change.phase, troubles: mended(state, change.phase) };
    case "me": return { ...state, me: change.me };
    case "room": return settleJoins({ ...state, rooms: sortRooms(put(state.rooms, change.room, (r) => r.id)) });
    case "roomRemoved": return removeRoom(state, change.room);
    case "message": return withTimeline(state, change.room, (t) => timeline.insert(t, change.message));
    case "delivery": return withTimeline(state, change.room, (t) => timeline.deliver(t, change.delivery));
    case "join": return settleJoins({ ...state, joins: put(state.joins, change.join, (j) => j.room) });
    case "blob": return { ...state, timelines: mapValues(state.timelines, (t) => timeline.transfer(t, change.blob)) };
    case "privacy": return { ...state, privacy: change.privacy };
    case "devices": return { ...state, devices: change.devices };
    case "network": return { ...state, network: change.network };
    case "trouble": return addTrouble(state, change.error);
    case "ring": case "typing": case "reread": return state; // What is loaded is read again by who loads it.
    default: return state; // A newer backend's change: nothing to show for it, and nothing lost.
  }
}

/** What kept the profile shut is over once it opens. @param {State} state @param {import("../backend/api").Phase} phase */
const mended = (state, phase) => (state.phase === "broken" && phase !== "broken" ? [] : state.troubles);

/** A knock that ended well stays until its room is there, one given up here not at all. @param {State} state @returns {State} */
function settleJoins(state) {
  const there = (/** @type {Join} */ join) => state.rooms.some((room) => room.id === join.room);
  const joins = state.joins.filter((join) => join.progress !== "cancelled" && !(join.progress === "admitted" && there(join)));
  return joins.length === state.joins.length ? state : { ...state, joins };
}

/** @template T @param {readonly T[]} items @param {T} item @param {(item: T) => string} keyOf */
function put(items, item, keyOf) {
  const at = items.findIndex((other) => keyOf(other) === keyOf(item));
  return at < 0 ? [...items, item] : items.with(at, item);
}

/** The newest message first; rooms without one last, by name. @param {Room[]} rooms */
export function sortRooms(rooms) {
  const time = (/** @type {Room} */ room) => room.last?.time ?? 0;
  return [...rooms].sort((a, b) => time(b) - time(a) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
}

/** @param {State} state @param {string} room @returns {State} */
function removeRoom(state, room) {
  const { [room]: _gone, ...timelines } = state.timelines;
  return { ...state, rooms: state.rooms.filter((r) => r.id !== room), timelines };
}

/** @param {State} state @param {string} room @param {(t: timeline.Timeline) => timeline.Timeline} change @returns {State} */
export function withTimeline(state, room, change) {
  const known = state.timelines[room];
  if (!known) return state;
  const next = change(known);
  return next === known ? state : { ...state, timelines: { ...state.timelines, [room]: next } };
}

/** @template T @param {Record<string, T>} object @param {(value: T) => T} change */
function mapValues(object, change) {
  const entries = Object.entries(object).map(([key, value]) => /** @type {const} */ ([key, change(value)]));
  return entries.every(([key, value]) => value === object[key]) ? object : Object.fromEntries(entries);
}

/** @param {State} state @param {ApiError} error @returns {State} */
export function addTrouble(state, error) {
  const others = state.troubles.filter((known) => known.code !== error.code);
  return { ...state, troubles: [...others, error].slice(-MAX_TROUBLES) };
}
