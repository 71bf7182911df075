// A person with several devices, and what is answered about them.
import { MINUTE, NOW, bea, empty, held, me, member, message, network, robin, room, text } from "./states.mjs";

const done = { type: "done" };
const device = (/** @type {string} */ name, /** @type {object} */ more = {}) => {
  const { device: key, fingerprint, hue } = member(name);
  return { device: key, fingerprint, hue, own: false, presence: "online", since: NOW - 9 * 24 * 60 * MINUTE, ...more };
};
const code = () => ({ link: "natter://link#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw", qr: "link/1.svg", expires: NOW + 10 * MINUTE });
export const newcomer = member("Phone");

export function devices() {
  const at = (/** @type {number} */ minutes) => ({ time: NOW - minutes * MINUTE });
  const mine = { ...robin, devices: 3 };
  const hers = { ...bea, devices: 2 };
  const kitchen = room("Kitchen", [mine, hers], [
    message(robin, { type: "created" }, { ...at(900), delivery: null }),
    text(bea, "I write this on my laptop.", at(300)),
    message(bea, { type: "deviceLinked", fingerprint: newcomer.fingerprint }, at(200)),
    message(bea, { type: "deviceUnlinked", fingerprint: newcomer.fingerprint }, at(190)),
    message(robin, { type: "deviceLinked", fingerprint: newcomer.fingerprint }, { ...at(100), delivery: null }),
    text(robin, "And this is from my phone.", { ...at(60), elsewhere: true, delivery: null }),
    text(robin, "This one I wrote here.", { ...at(50), ...held("read", [bea], [bea]) }),
  ]);
  const linked = [device("Robin's", { device: me.device, fingerprint: me.fingerprint, hue: me.hue, own: true }), device("Laptop"), device("Old tablet", { presence: "offline", since: NOW - 300 * 24 * 60 * MINUTE })];
  return { ...empty, network, rooms: [kitchen], devices: { ...empty.devices, linked } };
}

/** @param {any} state @param {any} command @param {(change: any) => void} push @returns {any} */
export function aboutDevices(state, command, push) {
  const set = (/** @type {object} */ more) => {
    state.devices = { ...state.devices, ...more };
    push({ type: "devices", devices: state.devices });
    return done;
  };
  switch (command.type) {
    case "linkDevice":
      set({ code: code() });
      return { type: "deviceCode", code: code() };
    case "readDeviceCode": return command.text.includes("natter://link#") ? { type: "deviceCodePreview", preview: { name: "Robin Ashdown", expires: NOW + 10 * MINUTE } } : { error: { code: command.text.includes("natter://join#") ? "otherCode" : "inviteNotNatter", message: "no" } };
    case "useDeviceCode": return set({ linking: "waitingForMember" });
    case "cancelLinking": return set({ linking: null });
    case "declineDevice": return set({ requests: [] });
    case "admitDevice": {
      const before = state.devices.linked.length > 0 ? state.devices.linked : [device("Robin's", { device: me.device, own: true })];
      return set({ requests: [], code: null, linked: [...before, device("Phone", { device: command.device })] });
    }
    case "unlinkDevice": {
      const left = state.devices.linked.filter((/** @type {any} */ d) => d.device !== command.device);
      return set({ linked: left.length > 1 ? left : [] });
    }
    default: return null;
  }
}

/** Somebody comes with the code. */
export const request = { device: newcomer.device, name: "Phone", avatar: null, fingerprint: newcomer.fingerprint, hue: newcomer.hue };
