// What the scripted backend answers: enough of Natter for the page to be used by hand and by test.
import { aboutDevices } from "./devices.mjs";
import { aboutMessages } from "./messages.mjs";
import { aboutPeople } from "./people.mjs";
import { NOW, id, message, picture, robin, room, text } from "./states.mjs";

/** @param {string} code */
const refuse = (code) => ({ error: { code, message: code } });
const done = { type: "done" };

/** @param {any} world @param {any} command @param {(change: any) => void} push @param {() => any} snapshot @returns {any} */
export function answer(world, command, push, snapshot) {
  const { state } = world;
  const where = state.rooms.find((/** @type {any} */ r) => r.id === command.room);
  const say = (/** @type {any} */ said) => {
    where.messages.push(said);
    where.last = said;
    push({ type: "message", room: where.id, message: said });
    tell(where);
    return { type: "sent", message: said.id };
  };
  const tell = ({ messages: _m, ...view }) => push({ type: "room", room: view });
  if (!where && ["admit", "decline", "sendText", "sendPicture", "timeline", "markRead", "editMessage", "deleteMessage", "react", "pinMessage", "edits", "pinned", "at", "setDraft", "removeMember", "setRole", "setRoom"].includes(command.type)) return refuse("noSuchRoom");
  if (state.refuses?.[command.type]) return refuse(state.refuses[command.type]);
  switch (command.type) {
    case "snapshot": return { type: "snapshot", snapshot: snapshot() };
    case "setup":
      if (command.protection.type === "keychain") return refuse("noKeychain");
      Object.assign(state, { phase: "ready", me: { ...robin, name: command.name, unprotected: command.protection.type === "unprotected" } });
      push({ type: "me", me: state.me });
      push({ type: "phase", phase: "ready" });
      return done;
    case "unlock":
      if (command.passphrase !== "correct horse") return refuse("wrongPassphrase");
      push({ type: "me", me: robin });
      push({ type: "phase", phase: "ready" });
      return done;
    case "reopen":
      Object.assign(state, { phase: "ready", me: robin, troubles: [] });
      push({ type: "me", me: robin });
      push({ type: "phase", phase: "ready" });
      return done;
    case "createRoom": {
      if (!command.name) return refuse(state.phase === "broken" ? "databaseDamaged" : "empty");
      const made = room(command.name, [robin], [message(robin, { type: "created" }, { time: NOW, delivery: null })]);
      state.rooms.push(made);
      tell(made);
      return { type: "room", room: made.id };
    }
    case "createInvite": return { type: "invite", invite: { id: id("new"), room: command.room, link: "natter://join#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw", words: "abandon amount liberty vote save leave winner tissue", qr: "invite/1.svg", uses: command.uses, used: 0, expires: NOW + command.lifetimeSeconds * 1000, approval: command.approval, role: command.role } };
    case "readInvite": return readInvite(command.text);
    case "join":
      push({ type: "join", join: { room: id("room Book circle"), roomName: "Book circle", progress: "connecting" } });
      return { type: "room", room: id("room Book circle") };
    case "cancelJoin":
      push({ type: "join", join: { room: command.room, roomName: "", progress: "cancelled" } });
      return done;
    case "admit": case "decline":
      where.requests = where.requests.filter((/** @type {any} */ r) => r.device !== command.device);
      tell(where);
      return done;
    case "sendText": return say(text(robin, command.text, { body: { type: "text", text: command.text, mentions: command.mentions ?? [] }, time: Date.now(), replyTo: command.replyTo }));
    case "sendPicture": return say(picture(robin, { name: "sent.png", width: 1600, height: 1067, hue: 90, caption: command.caption }, { time: Date.now(), replyTo: command.replyTo }));
    case "markRead":
      if (where.unread === 0) return done;
      Object.assign(where, { unread: 0, firstUnread: null });
      tell(where);
      return done;
    case "setProfile":
      push({ type: "me", me: { ...state.me, name: command.name } });
      return done;
    case "leaveRoom":
      state.rooms = state.rooms.filter((/** @type {any} */ r) => r.id !== command.room);
      push({ type: "roomRemoved", room: command.room });
      return done;
    case "setBrokers":
      if (command.brokers.some((/** @type {string} */ b) => !/^(wss?|https?):\/\//.test(b))) return refuse("badBroker");
      return done;
    case "removeMember": {
      where.former = [...where.former, ...where.members.filter((/** @type {any} */ m) => m.device === command.device)];
      where.members = where.members.filter((/** @type {any} */ m) => m.device !== command.device);
      say(message(robin, { type: "removed", device: command.device }, { time: Date.now(), delivery: null }));
      return done;
    }
    case "setRole":
      where.members = where.members.map((/** @type {any} */ m) => (m.device === command.device ? { ...m, role: command.role } : m));
      say(message(robin, { type: "roleChanged", device: command.device, role: command.role }, { time: Date.now(), delivery: null }));
      return done;
    case "setRoom": {
      const { type: _t, room: _r, ...changed } = command;
      Object.assign(where, changed);
      say(message(robin, { type: "roomChanged", name: null, about: null, lives: null, ...changed }, { time: Date.now(), delivery: null }));
      return done;
    }
    default: return aboutDevices(state, command, push) ?? aboutPeople(state, command, push) ?? aboutMessages(world, command, push, where) ?? done;
  }
}

/** @param {string} pasted */
function readInvite(pasted) {
  const end = /natter:\/\/join#(\w*)/.exec(pasted)?.[1];
  if (end === undefined) return /^[a-z ]+$/i.test(pasted) ? heardWords(pasted.trim().split(/ +/)) : refuse("inviteNotNatter");
  const code = { cut: "inviteCut", old: "inviteExpired", new: "inviteTooNew", used: "inviteUsedUp" }[end];
  if (code) return refuse(code);
  return { type: "invitePreview", preview: { room: id("room Book circle"), roomName: "Book circle", brokers: ["meet.example.org"], expires: NOW + 4 * 86_400_000, alreadyMember: false } };
}

const SAID = "abandon amount liberty vote save leave winner tissue".split(" ");

/** The list is these eight words here, and their order the check. @param {string[]} typed */
function heardWords(typed) {
  const words = typed.map((word) => ({ typed: word, word: SAID.find((known) => known.startsWith(word.toLowerCase()) && word.length > 3) ?? null }));
  const right = words.every(({ word }, i) => word === SAID[i]);
  const known = words.filter(({ word }) => word).length;
  const state = typed.length > 8 ? "tooMany" : known < 8 ? "unfinished" : right ? "whole" : "misheard";
  return { type: "spokenInvite", spoken: { words, of: 8, state } };
}
