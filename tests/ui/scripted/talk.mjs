// A room in which people do everything with words that can be done.
import { MINUTE, NOW, archive, bea, empty, held, longName, message, network, noor, picture, robin, room, text, tomas } from "./states.mjs";

/** A text in which `@Name` of these people names them. @param {any} author @param {string} words @param {any[]} people @param {object} more */
function naming(author, words, people, more) {
  const mentions = people.map((p) => ({ device: p.device, start: words.indexOf(`@${p.name}`), length: p.name.length + 1 })).sort((a, b) => a.start - b.start);
  return text(author, words, { ...more, body: { type: "text", text: words, mentions }, namesMe: people.includes(robin) && author !== robin });
}
/** @param {string} emoji @param {any[]} people */
const sign = (emoji, people) => ({ emoji, by: people.map((p) => p.device), own: people.includes(robin) });

const CODE = "```sh\n# back up first\ntar czf room.tar.gz ~/.local/share/natter\nrsync -av --progress room.tar.gz nas.example:/backups/2026/march/\n```";
const RULES = "**Saturday at the workshop**\n1. Doors open at *nine*, coffee is there\n2. Bring gloves and something to eat\n3. `make all` before you leave\n\nWhat we need:\n- two long ladders\n- a **sharp** saw\n- patience";

function workshop() {
  const people = [robin, bea, tomas, noor, longName];
  const at = (/** @type {number} */ minutes, /** @type {object} */ more = {}) => ({ time: NOW - minutes * MINUTE, ...more });
  const rules = text(bea, RULES, at(95, { pinned: true, edited: NOW - 80 * MINUTE, reactions: [sign("👍", [robin, tomas, noor]), sign("🎉", [tomas]), sign("❤️", [robin])] }));
  const messages = [
    text(tomas, "> Doors open at nine\nThat is **early**. I will try…", at(90, { reactions: [sign("😂", [bea, robin])] })),
    naming(robin, "@Tomás can you bring the ladders? @Bea Lindqvist has the *key*.", [tomas, bea], at(84, held("read", people.slice(1), [bea, tomas]))),
    naming(bea, "Sure. @Robin Ashdown, will you lock up on Sunday? The code is `4711#`.", [robin], at(70)),
    text(robin, CODE, at(66, { pinned: true, ...held("heldByAll", people.slice(1)) })),
    message(noor, { type: "deleted", by: noor.device }, at(60)),
    message(tomas, { type: "deleted", by: robin.device }, at(59)),
    picture(tomas, { name: "saw.png", width: 1200, height: 800, hue: 80, caption: "This one, **sharpened** yesterday." }, at(50, { reactions: [sign("🔥", [robin, bea, noor])], edited: NOW - 49 * MINUTE })),
    message(robin, { type: "expired" }, at(40, held("read", people.slice(1), [bea]))),
    text(robin, "The alarm code is in the drawer.", at(30, { expires: NOW + 50 * MINUTE, ...held("heldBySome", [bea]) })),
    text(robin, "I will print the list and hang it beside the door.", at(3, { edited: NOW - 2 * MINUTE, reactions: [sign("👍", [bea])], ...held("heldBySome", [bea]) })),
    text(bea, "Perfect 👌", at(1)),
  ];
  return room("Workshop", people, [rules, ...messages]);
}

export function talk() {
  const pages = archive();
  const family = room("Family", [robin, bea], [text(bea, "**Sunday** at ours? `Cake` included.", { time: NOW - 3000 * MINUTE })], { draft: "I would love to, but" });
  const island = room("Island", [robin, noor], [text(robin, "Can you hear me?", { time: NOW - 20 * MINUTE, ...held("saved", []) }), text(robin, "Hello?", { time: NOW - 19 * MINUTE, ...held("saved", []) })], { unheld: 2 });
  return { ...empty, network, rooms: [workshop(), island, pages, family] };
}
