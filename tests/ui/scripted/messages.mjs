// What the scripted backend answers about messages that are there: change, delete, react, pin, find.
import { robin } from "./states.mjs";

const done = { type: "done" };
const missing = { error: { code: "noSuchMessage", message: "noSuchMessage" } };

/** @param {any} body */
const wordsOf = (body) => (body.type === "text" ? body.text : body.type === "picture" ? body.caption : "");

/** @param {any} world @param {any} command @param {(change: any) => void} push @param {any} where @returns {any} */
export function aboutMessages(world, command, push, where) {
  const at = where?.messages.findIndex((/** @type {any} */ m) => m.id === command.message) ?? -1;
  const known = where?.messages[at];
  /** @param {object} change */
  const put = (change) => {
    where.messages[at] = { ...known, ...change };
    if (where.last?.id === known.id) where.last = where.messages[at];
    push({ type: "message", room: where.id, message: where.messages[at] });
    return { type: "sent", message: `entry-${command.type}` };
  };
  if (["editMessage", "deleteMessage", "react", "pinMessage", "edits"].includes(command.type) && !known) return missing;
  switch (command.type) {
    case "editMessage": {
      const body = known.body.type === "picture" ? { ...known.body, caption: command.text } : { ...known.body, text: command.text, mentions: command.mentions ?? [] };
      world.wordings ??= new Map();
      world.wordings.set(known.id, [...(world.wordings.get(known.id) ?? [{ text: wordsOf(known.body), mentions: known.body.mentions ?? [], time: known.time }]), { text: command.text, mentions: command.mentions ?? [], time: Date.now() }]);
      return put({ body, edited: Date.now() });
    }
    case "deleteMessage": return put({ body: { type: "deleted", by: robin.device }, reactions: [], pinned: false, edited: null });
    case "react": {
      const others = known.reactions.map((/** @type {any} */ r) => (r.emoji === command.emoji ? { ...r, by: r.by.filter((/** @type {string} */ d) => d !== robin.device), own: false } : r));
      const mine = others.find((/** @type {any} */ r) => r.emoji === command.emoji) ?? { emoji: command.emoji, by: [], own: false };
      if (command.on !== false) Object.assign(mine, { by: [...mine.by, robin.device], own: true });
      return put({ reactions: (others.includes(mine) ? others : [...others, mine]).filter((/** @type {any} */ r) => r.by.length > 0) });
    }
    case "pinMessage": return put({ pinned: command.on !== false });
    case "edits": return { type: "edits", wordings: world.wordings?.get(known.id) ?? world.state.wordings?.[known.id] ?? [{ text: "The first wording of it.", mentions: [], time: known.time }, { text: wordsOf(known.body), mentions: known.body.mentions ?? [], time: known.edited }] };
    case "pinned": return { type: "messages", messages: where.messages.filter((/** @type {any} */ m) => m.pinned).reverse() };
    case "at": return { type: "place", message: where.messages.find((/** @type {any} */ m) => m.time >= command.time)?.id ?? null };
    case "timeline": return page(where.messages.filter((/** @type {any} */ m) => !where.members.some((/** @type {any} */ one) => one.device === m.author && one.blocked)), command);
    case "search": return search(world.state.rooms, command);
    case "setDraft":
      where.draft = command.text || null;
      push({ type: "room", room: (({ messages: _m, ...view }) => view)(where) });
      return done;
    default: return null;
  }
}

/** @param {any[]} all @param {any} command */
function page(all, { before, after, around, limit }) {
  const at = (/** @type {string} */ id) => all.findIndex((m) => m.id === id);
  for (const one of [before, after, around]) if (one && at(one) < 0) return missing;
  const half = limit >> 1;
  const [start, end] = before ? [at(before) - limit, at(before)] : after ? [at(after) + 1, at(after) + 1 + limit] : around ? [at(around) - half, at(around) + half] : [all.length - limit, all.length];
  const [from, to] = [Math.max(0, start), Math.min(all.length, end)];
  return { type: "timeline", messages: all.slice(from, to), more: from > 0, newer: to < all.length };
}

/** @param {any[]} rooms @param {any} command */
function search(rooms, { query, room, author, next, limit = 50 }) {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = rooms.filter((r) => !room || r.id === room).flatMap((r) => r.messages.map((/** @type {any} */ message) => ({ room: r.id, message })))
    .filter(({ message }) => (!author || message.author === author) && wordsOf(message.body))
    .filter(({ message }) => wanted.every((/** @type {string} */ word) => wordsOf(message.body).toLowerCase().split(/[^\p{L}\p{N}]+/u).some((/** @type {string} */ w) => w.startsWith(word))))
    .sort((a, b) => b.message.time - a.message.time);
  const from = Number(next ?? 0);
  return { type: "found", hits: hits.slice(from, from + limit), next: from + limit < hits.length ? String(from + limit) : null };
}
