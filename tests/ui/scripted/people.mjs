// A room in which not everybody is who they seem, and what is answered about people.
import { MINUTE, NOW, bea, empty, held, longName, member, message, network, noor, robin, room, text, tomas } from "./states.mjs";

const done = { type: "done" };
export const NUMBER = "30418 27756 90132 44817 62095 11374 58820 03961 77243 19508 84626 35179";
/** The code that a person's device shows. @param {string} device */
export const codeOf = (device) => `natter://verify#${device}${NUMBER.replaceAll(" ", "")}`;
export const BAD_NAME = `<img src=x onerror=alert(1)> "'&amp;\u202e`;

export function people() {
  const at = (/** @type {number} */ minutes) => ({ time: NOW - minutes * MINUTE });
  const ada = member("Ada Quist", { presence: "offline", hue: 2 });
  const other = { ...member("Ada Quist 2", { presence: "online", hue: 9 }), name: "Аda Quist", looksLike: ada.device };
  const sure = { ...bea, verified: true, role: "admin" };
  const evil = { ...member("evil", { presence: "online", hue: 3 }), name: BAD_NAME, looksLike: noor.device };
  const quiet = { ...tomas, blocked: true };
  const all = [robin, sure, quiet, other, evil, { ...longName, verified: true, forked: true }];
  const club = room("Book circle", all, [
    message(robin, { type: "created" }, { ...at(900), delivery: null }),
    text(ada, "Chapter three by Friday. I bring the cake.", at(700)),
    text(sure, "I have read it twice already.", at(690)),
    message(ada, { type: "left", device: ada.device }, at(300)),
    text(quiet, "Nobody who blocked me reads this.", at(250)),
    message(robin, { type: "joined", device: other.device }, { ...at(60), delivery: null }),
    message(robin, { type: "joined", device: evil.device }, { ...at(59), delivery: null }),
    text(other, "Hi, it is me, on a new phone. Who has the key to the club room?", at(50)),
    text(longName, "Ask me on Tuesday, in person.", at(45)),
    text(robin, "Call me first.", { ...at(40), ...held("heldByAll", [sure]) }),
  ], { former: [ada, noor] });
  const plain = room("Family", [robin, sure], [text(sure, "Sunday at ours?", { time: NOW - 3000 * MINUTE })]);
  return { ...empty, network, rooms: [club, plain] };
}

/** @param {any} state @param {any} command @param {(change: any) => void} push @returns {any} */
export function aboutPeople(state, command, push) {
  const set = (/** @type {string} */ device, /** @type {object} */ marks) => {
    for (const where of state.rooms) {
      if (!where.members.some((/** @type {any} */ m) => m.device === device)) continue;
      where.members = where.members.map((/** @type {any} */ m) => (m.device === device ? { ...m, ...marks } : m));
      const { messages: _m, ...view } = where;
      push({ type: "room", room: view });
      if ("blocked" in marks) push({ type: "reread", room: where.id });
    }
    return done;
  };
  switch (command.type) {
    case "safety": return { type: "safety", safety: { number: NUMBER, code: codeOf(robin.device), qr: "safety/1.svg" } };
    case "verify": {
      const digits = command.code.replace(/\s/g, "");
      const whole = /^natter:\/\/verify#([0-9a-f]{64})(\d{60})$/.exec(digits);
      if (!whole && !/^\d{60}$/.test(digits)) return { error: { code: "notACode", message: "no code" } };
      if (digits !== NUMBER.replaceAll(" ", "") && digits !== codeOf(command.device)) return { error: { code: "codeWrong", message: "wrong" } };
      set(command.device, { verified: true });
      return { type: "verified", device: command.device };
    }
    case "setVerified": return set(command.device, { verified: command.on });
    case "setBlocked": return set(command.device, { blocked: command.on });
    case "setPrivacy":
      state.privacy = { receipts: command.receipts, typing: command.typing };
      push({ type: "privacy", privacy: state.privacy });
      return done;
    default: return null;
  }
}
