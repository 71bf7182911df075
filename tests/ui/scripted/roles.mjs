// Rooms in which people may do different things, and in which admins did something.
import { MINUTE, NOW, bea, empty, held, longName, message, network, noor, robin, room, text, tomas } from "./states.mjs";

export function roles() {
  const at = (/** @type {number} */ minutes) => ({ time: NOW - minutes * MINUTE, delivery: null });
  const people = [robin, { ...bea, role: "admin" }, tomas, { ...noor, role: "guest" }, longName];
  const dov = { ...tomas, device: "d0".repeat(32), name: "Dov", fingerprint: "d0d0 d0d0 d0d0 d0d0", presence: "offline" };
  const club = room("Climbing club", people, [
    message(robin, { type: "created" }, at(900)),
    message(robin, { type: "roleChanged", device: bea.device, role: "admin" }, at(600)),
    text(bea, "Thanks! I will look after the door on Tuesdays.", { time: NOW - 500 * MINUTE }),
    message(bea, { type: "roomChanged", name: "Climbing club", about: "**Tuesdays** and Sundays, north face.", lives: null }, at(400)),
    message(bea, { type: "removed", device: dov.device }, at(300)),
    text(tomas, "What happened to Dov?", { time: NOW - 299 * MINUTE }),
    message(robin, { type: "roomChanged", name: null, about: null, lives: 604_800 }, at(200)),
    text(robin, "He moved away. And what we say here goes after a week now.", { time: NOW - 190 * MINUTE, expires: NOW + 6 * 24 * 60 * MINUTE, ...held("read", people.slice(1), [bea]) }),
    message(bea, { type: "roleChanged", device: noor.device, role: "guest" }, at(100)),
  ], { about: "**Tuesdays** and Sundays, north face. Ask https://huts.example/ about the hut.", lives: 604_800, former: [dov] });
  const me = { ...robin, role: "guest" };
  const visit = room("Visiting", [me, { ...bea, role: "creator" }, { ...tomas, role: "admin" }], [
    message({ ...bea, own: false }, { type: "roleChanged", device: robin.device, role: "guest" }, at(50)),
    text(bea, "Welcome, look around.", { time: NOW - 40 * MINUTE }),
  ], { about: "" });
  const plain = { ...robin, role: "member" };
  const book = room("Book circle", [plain, { ...bea, role: "creator" }], [text(bea, "Chapter three by Friday.", { time: NOW - 70 * MINUTE })]);
  return { ...empty, network, rooms: [club, visit, book] };
}
