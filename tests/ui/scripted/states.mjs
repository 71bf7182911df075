// The states that the scripted backend can be in: one for every screen that a person may meet.
import { createHash } from "node:crypto";
import { hills, thumbhash } from "./png.mjs";
import { devices } from "./devices.mjs";
import { people } from "./people.mjs";
import { roles } from "./roles.mjs";
import { talk } from "./talk.mjs";

/** 2026-03-19 14:05 in the time zone of whoever runs it. */
export const NOW = new Date(2026, 2, 19, 14, 5).getTime();
export const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** @param {string} name */
export const id = (name) => createHash("sha256").update(name).digest("hex");
/** @param {string} device */
const fingerprint = (device) => device.slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ");

/** @param {string} name @param {object} [more] */
export function member(name, more = {}) {
  const device = id(`device ${name}`);
  return { device, name, avatar: null, fingerprint: fingerprint(device), hue: parseInt(device.slice(0, 2), 16) % 12, role: "member", presence: "offline", own: false, since: NOW - 20 * DAY, devices: 1, verified: false, blocked: false, looksLike: null, forked: false, ...more };
}

export const robin = member("Robin Ashdown", { own: true, presence: "online", role: "creator", hue: 6 });
export const bea = member("Bea Lindqvist", { presence: "online", hue: 0 });
export const tomas = member("Tomás", { presence: "connecting", hue: 8 });
export const noor = member("نور الهدى", { presence: "offline", hue: 4 });
export const longName = member("Maximiliana-Alexandrina von und zu Hohenstaufen-Württemberg", { presence: "online", role: "admin", hue: 10 });

export const me = { device: robin.device, name: robin.name, avatar: null, fingerprint: robin.fingerprint, hue: robin.hue, unprotected: false };

let last = 0;
/** @param {any} author @param {any} body @param {object} [more] */
export function message(author, body, more = {}) {
  last += 1;
  const time = NOW - 60 * MINUTE + last * 1000;
  const own = author.own;
  const delivery = own ? { state: "saved", heldBy: [], readBy: [], of: 3 } : null;
  return { id: id(`message ${last}`), order: String(last).padStart(12, "0"), author: author.device, own, elsewhere: false, time, body, replyTo: null, edited: null, reactions: [], pinned: false, expires: null, namesMe: false, delivery, ...more };
}
/** @param {any} author @param {string} text @param {object} [more] */
export const text = (author, text, more) => message(author, { type: "text", text, mentions: [] }, more);

/** @param {any} author @param {{name: string, width: number, height: number, hue: number, transfer?: any, caption?: string, size?: number, preview?: boolean}} picture @param {object} [more] */
export function picture(author, { name, width, height, hue, transfer = { type: "here" }, caption = "", size = 2_400_000, preview = true }, more) {
  const path = `blob/${width}x${height}/${hue}`;
  return message(author, { type: "picture", caption, picture: { blob: id(path + name), size, mime: "image/png", width, height, name, thumbhash: thumbhash(width / height, hills(hue)), preview: preview ? `preview/${width}x${height}/${hue}` : null, url: path, transfer } }, more);
}

/** @param {any[]} messages @param {object} [more] */
export function room(name, members, messages, more = {}) {
  return { id: id(`room ${name}`), name, standing: "member", role: members.find((m) => m.own)?.role ?? "member", members, former: [], requests: [], invites: [], last: messages.at(-1) ?? null, unread: 0, firstUnread: null, draft: null, unheld: 0, about: "", lives: 0, messages, ...more };
}

export const held = (/** @type {string} */ state, /** @type {any[]} */ heldBy, /** @type {any[]} */ readBy = []) => ({ delivery: { state, heldBy: heldBy.map((m) => m.device), readBy: readBy.map((m) => m.device), of: 3 } });

function kitchen() {
  const people = [robin, bea, tomas, noor];
  const at = (/** @type {number} */ days, /** @type {number} */ h, /** @type {number} */ m) => ({ time: new Date(NOW - days * DAY).setHours(h, m, 0, 0) });
  const question = text(bea, "Shall we take the early train or sleep in? The 7:40 has seats, the 9:15 is nearly full.", at(0, 9, 12));
  const view = picture(bea, { name: "ridge-at-dusk.png", width: 1600, height: 1067, hue: 40, caption: "From the ridge last year. Same spot?" }, at(1, 18, 44));
  const messages = [
    message(robin, { type: "created" }, { ...at(6, 10, 2), delivery: null }),
    message(robin, { type: "joined", device: bea.device }, { ...at(6, 10, 9), delivery: null }),
    message(robin, { type: "joined", device: tomas.device }, { ...at(6, 11, 30), delivery: null }),
    text(robin, "This is where we plan the hut weekend.", { ...at(6, 11, 31), ...held("read", people.slice(1), [bea, tomas]) }),
    text(tomas, "Finally a place that isn’t somebody else’s server 🎉", at(6, 11, 40)),
    text(tomas, "I can bring the big tent, the stove and the good coffee.", at(6, 11, 41)),
    view,
    text(robin, "Yes, that one. The hut below it has six bunks: https://huts.example/ridge?beds=6 and the warden answers at mailto:warden@huts.example.", { ...at(1, 18, 52), ...held("read", people.slice(1), [bea]) }),
    text(noor, "سأصل مساء الجمعة، وسأحضر معي الخبز والزيتون للجميع. هل يحتاج أحد إلى شيء آخر من المدينة؟", at(1, 20, 3)),
    message(bea, { type: "joined", device: noor.device }, { ...at(1, 20, 4) }),
    question,
    text(bea, "I vote early.", at(0, 9, 13)),
    text(tomas, "Early. Coffee is on me.", { ...at(0, 9, 20), replyTo: question.id }),
    text(robin, "Early it is. I’ll book four seats.", { ...at(0, 9, 31), replyTo: question.id, ...held("heldByAll", people.slice(1)) }),
    text(robin, "Done, carriage 5, seats 41–44.", { ...at(0, 9, 33), ...held("heldBySome", [bea]) }),
    text(bea, "👏👏", at(0, 9, 34)),
    text(robin, "I’ll put the tickets here tonight.", { ...at(0, 14, 1), ...held("saved", []) }),
  ];
  return room("Hut weekend", people, messages, { invites: [{ id: id("invite 1"), room: id("room Hut weekend"), link: "natter://join#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", words: "abandon amount liberty vote save leave winner tissue", qr: "invite/1.svg", uses: 5, used: 2, expires: NOW + 6 * DAY, approval: true, role: "member" }] });
}

function pictures() {
  const people = [robin, bea, tomas];
  const messages = [
    picture(bea, { name: "wide.png", width: 2400, height: 800, hue: 10 }, { time: NOW - 50 * MINUTE }),
    picture(tomas, { name: "tall.png", width: 900, height: 1600, hue: 120, caption: "Stairs to the hut. All four hundred of them, and not one has the same height as the next." }, { time: NOW - 44 * MINUTE }),
    picture(robin, { name: "small.png", width: 40, height: 40, hue: 200 }, { time: NOW - 40 * MINUTE, ...held("read", [bea, tomas], [bea]) }),
    picture(robin, { name: "square.png", width: 1200, height: 1200, hue: 300, caption: "Packed." }, { time: NOW - 39 * MINUTE, ...held("heldByAll", [bea, tomas]) }),
    picture(bea, { name: "offered.png", width: 4000, height: 3000, hue: 60, transfer: { type: "offered" }, size: 11_800_000 }, { time: NOW - 30 * MINUTE }),
    picture(bea, { name: "coming.png", width: 1600, height: 1067, hue: 180, transfer: { type: "progress", have: 1_500_000 } }, { time: NOW - 29 * MINUTE }),
    picture(tomas, { name: "waiting.png", width: 1600, height: 1067, hue: 240, transfer: { type: "waiting" }, preview: false }, { time: NOW - 20 * MINUTE }),
    picture(tomas, { name: "failed.png", width: 1067, height: 1600, hue: 330, transfer: { type: "failed", code: "diskFull" } }, { time: NOW - 8 * MINUTE }),
  ];
  return room("Pictures", people, messages);
}

function extremes() {
  const people = [robin, longName, noor];
  const reply = text(longName, "x".repeat(5000), { time: NOW - 30 * MINUTE });
  const messages = [
    text(longName, "First line\n\nthird line\n    indented\ttab", { time: NOW - 31 * MINUTE }),
    reply,
    text(robin, "😀", { time: NOW - 20 * MINUTE, ...held("read", [longName], [longName]) }),
    text(robin, "Look at https://xn--mnchen-3ya.example/ein/sehr/langer/pfad/der/nicht/enden/will?mit=vielen&parametern=und-so-weiter-und-so-fort-bis-zum-rand (or not).", { time: NOW - 19 * MINUTE, replyTo: reply.id, ...held("heldByAll", [longName, noor]) }),
    text(noor, "مرحبا! Mixed عربي and English 123 في نفس السطر.", { time: NOW - 10 * MINUTE }),
    message(longName, { type: "unknown" }, { time: NOW - 9 * MINUTE }),
    text(longName, `${"Lorem ipsum dolor sit amet, consectetur adipiscing elit. ".repeat(60)}`, { time: NOW - 8 * MINUTE }),
    ...["Ada", "Ben", "Cleo", "Dov", "Eun"].map((name) => message(robin, { type: "joined", device: id(`device ${name}`) }, { time: NOW - 7 * MINUTE, delivery: null })),
    message(bea, { type: "left", device: bea.device }, { time: NOW - 6 * MINUTE }),
  ];
  const former = ["Ada", "Ben", "Cleo", "Dov", "Eun"].map((name) => member(name)).concat(bea);
  return room("Die Gesellschaft der außerordentlich langen Raumnamen e. V.!", people, messages, { former, unread: 0 });
}

export function archive() {
  const people = [robin, bea, tomas];
  const words = ["Morning!", "Did you see the forecast?", "Rain until noon, then clear.", "I will be ten minutes late, the bus stood at the bridge for ages and nobody knew why.", "No hurry.", "Who has the key?", "I do.", "Good."];
  const messages = Array.from({ length: 300 }, (_, i) => {
    const author = people[[1, 1, 2, 0, 2, 1, 0][i % 7]];
    const time = NOW - (300 - i) * 23 * MINUTE + (i % 3) * MINUTE;
    if (i % 41 === 40) return picture(author, { name: `day-${i}.png`, width: 1200, height: 800, hue: i }, { time, ...(author.own ? held("read", [bea], [bea]) : {}) });
    return text(author, `${words[i % words.length]} (${i + 1})`, { time, ...(author.own ? held("read", [bea, tomas], [bea]) : {}) });
  });
  const firstUnread = messages.filter((m) => !m.own).at(-12);
  return room("Archive", people, messages, { unread: 12, firstUnread: firstUnread?.id ?? null });
}

const broker = (/** @type {object} */ more) => ({ url: "ws://127.0.0.1:9000/", own: true, configured: false, up: true, trouble: null, ...more });
export const network = { brokers: [broker({}), broker({ url: "wss://meet.example.org/", own: false, configured: true }), broker({ url: "wss://peers.friends.example/", own: false, up: false, trouble: "unreachable" })], links: 2, embedded: ["ws://192.168.1.20:9000/"] };
const quietNetwork = { ...network, links: 0 };
export const empty = { phase: "ready", me, rooms: [], joins: [], privacy: { receipts: true, typing: true }, devices: { linked: [], requests: [], code: null, linking: null }, network: quietNetwork, troubles: [] };
const join = (/** @type {string} */ progress) => ({ room: id(`room ${progress}`), roomName: "Book circle", progress, asked: null });

function full() {
  const family = room("Family", [robin, bea], [text(bea, "Sunday at ours? Grandma brings the cake, and there will be far too much of it as always.", { time: NOW - 3 * DAY })], { unread: 3 });
  const knocks = room("Climbing club", [robin, tomas], [text(robin, "Tuesday, north face.", { time: NOW - 26 * 60 * MINUTE, ...held("saved", []) })], { requests: [{ ...member("Priya Raman"), hue: 3 }] });
  const alone = room("Garden", [robin], [message(robin, { type: "created" }, { time: NOW - 9 * DAY, delivery: null })]);
  const gone = room("Old flat", [bea], [text(bea, "Keys are under the mat.", { time: NOW - 40 * DAY })], { standing: "gone" });
  return { ...empty, network, rooms: [kitchen(), pictures(), extremes(), archive(), knocks, family, alone, gone] };
}

/** @type {Record<string, () => any>} */
export const STATES = {
  talk: () => talk(),
  roles: () => roles(),
  people: () => people(),
  devices: () => devices(),
  setup: () => ({ ...empty, phase: "setup", me: null }),
  locked: () => ({ ...empty, phase: "locked", me: null }),
  broken: () => ({ ...empty, phase: "broken", me: null, troubles: [{ code: "databaseDamaged", message: "quick_check failed" }] }),
  empty: () => empty,
  alone: () => ({ ...empty, rooms: [room("Garden", [robin], [message(robin, { type: "created" }, { delivery: null })])] }),
  full,
  offline: () => ({ ...full(), network: { brokers: [broker({ own: false, configured: true, up: false, trouble: "unreachable" })], links: 0, embedded: [] } }),
  troubles: () => ({ ...full(), me: { ...me, unprotected: true }, troubles: [{ code: "diskFull", message: "full" }] }),
  meeting: () => ({ ...full(), network: { brokers: [
    broker({ url: "ws://127.0.0.1:9753/", up: false, trouble: "noPort" }),
    ...["unreachable", "full", "badKey", "misbehaving", "closed", null].map((trouble, i) => broker({ url: `wss://${trouble ?? "new"}.example/`, own: false, configured: i % 2 === 0, up: false, trouble })),
  ], links: 0, embedded: [] } }),
  ended: () => ({ ...empty, joins: ["usedUp", "expired", "void", "declined"].map((progress) => ({ ...join(progress), roomName: `Room ${progress}` })) }),
  joining: () => ({ ...empty, joins: [join("waitingForMember"), join("declined"), join("waitingForApproval")] }),
  wording: () => ({ ...empty, joins: [{ ...join("waitingForMember"), roomName: "" }] }),
};
