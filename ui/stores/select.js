// Questions about the state.
import { app } from "./app.js";

/** @typedef {import("../backend/api").Room} Room */
/** @typedef {import("../backend/api").Member} Member */
/** @typedef {{device: string, name: string, avatar: string | null, hue: number, fingerprint: string, own: boolean}} Person */

/** @param {string | null} id */
export const roomOf = (id) => app.state.value.rooms.find((room) => room.id === id) ?? null;

/** Who a device is in a room, former members included; never nobody: a key is shown as a key. @param {Room} room @param {string} device @returns {Person} */
export function personOf(room, device) {
  const member = room.members.find((m) => m.device === device) ?? room.former.find((m) => m.device === device);
  if (member) return member;
  const fingerprint = device.slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ");
  return { device, name: fingerprint.slice(0, 9), avatar: null, hue: Number.parseInt(device.slice(0, 4), 16) % 12 || 0, fingerprint, own: false };
}

/** A member or former one; the fallback of `personOf` is none. @param {Room | null} room @param {string} device @returns {Member | null} */
export const memberOf = (room, device) => room?.members.find((m) => m.device === device) ?? room?.former.find((m) => m.device === device) ?? null;

/** Whom a member could be mistaken for: somebody here before them under a name that looks the same, as long as nobody verified that it is them. @param {Room} room @param {Member | null} member @returns {Person | null} */
export const doubleOf = (room, member) => (member && member.looksLike !== null && !member.own && !member.verified ? personOf(room, member.looksLike) : null);

/** A room's own colour, from its id. @param {string} id */
export const roomHue = (id) => Number.parseInt(id.slice(0, 6), 16) % 12 || 0;

/** Members of all rooms, once each, without this device. */
export function everybody() {
  /** @type {Map<string, {member: Member, rooms: Room[]}>} */
  const people = new Map();
  for (const room of app.state.value.rooms) {
    for (const member of room.members) {
      if (member.own) continue;
      const known = people.get(member.device);
      if (known) known.rooms.push(room);
      else people.set(member.device, { member, rooms: [room] });
    }
  }
  return [...people.values()];
}

/** @param {Room} room */
export const others = (room) => room.members.filter((m) => !m.own);

/** Own messages that no other device has, where there is anybody to have them. @param {Room} room */
export const unheld = (room) => (room.standing === "member" && others(room).length > 0 ? room.unheld : 0);

/** Whether this device may let people in, remove them, and change the room. @param {Room} room */
export const isAdmin = (room) => room.standing === "member" && (room.role === "admin" || room.role === "creator");

/** @param {Room} room */
export const mayInvite = (room) => room.standing === "member" && room.role !== "guest";

/** Whether this device may change what somebody may do, or take them out. @param {Room} room @param {Member} member */
export const mayManage = (room, member) => isAdmin(room) && !member.own && member.role !== "creator";
