// The words in the composer: typed, put there to be changed, put aside, given back.
import { app } from "../stores/app.js";
import { MAX_TEXT_BYTES } from "../stores/drafts.js";
import { roomOf } from "../stores/select.js";
import { setText } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { shift, trimmed } from "../lib/mentions.js";
import { mayEdit } from "./message-acts.js";
import { mentionsIn, wordsIn } from "./message-body.js";
import { insertText } from "./text-edit.js";
import { View } from "./view.js";

const COUNT_FROM_BYTES = 14_000;

export class ComposerWords extends View {
  /** @type {HTMLTextAreaElement | undefined} */
  text = undefined;
  /** @type {HTMLElement | undefined} */
  count = undefined;
  /** @type {import("../stores/drafts.js").Draft | undefined} */
  draft = undefined;
  room = "";
  /** What is on its way. */
  work = { sending: false };

  /** Shows what is not words: the quote, the pictures, whether it can be sent. */
  drawDraft() {}

  bytes() {
    return new TextEncoder().encode(this.draft?.text ?? "").length;
  }

  /** The words stand in the field. */
  typed() {
    const { text, draft, count } = this;
    if (!text || !draft || !count) return;
    draft.mentions = shift(draft.mentions, draft.text, text.value);
    draft.text = text.value;
    const bytes = this.bytes();
    count.hidden = bytes < COUNT_FROM_BYTES;
    count.toggleAttribute("data-over", bytes > MAX_TEXT_BYTES);
    setText(count, count.hidden ? "" : bytes > MAX_TEXT_BYTES ? t("composer.tooLong") : t("composer.left", { count: MAX_TEXT_BYTES - bytes }));
    this.fit();
  }

  /** As tall as its words; where it is not on show it has no height to tell. */
  fit() {
    const { text } = this;
    const line = text?.parentElement;
    if (!text || !line) return;
    // While it is measured its line keeps its height: the messages above would scroll.
    line.style.minBlockSize = `${line.offsetHeight}px`;
    text.style.blockSize = "auto";
    const tall = text.scrollHeight;
    if (tall > 0) text.style.blockSize = `${tall}px`;
    line.style.minBlockSize = "";
  }

  /** Names somebody where the @ stands. @param {number} start @param {import("../backend/api").Member} member */
  mention(start, member) {
    const { text, draft } = this;
    if (!text || !draft) return;
    const name = `@${member.name}`;
    text.setSelectionRange(start, text.selectionEnd);
    insertText(text, /^\s/.test(text.value.slice(text.selectionEnd)) ? name : `${name} `);
    draft.mentions = [...draft.mentions, { device: member.device, start, length: name.length }].sort((a, b) => a.start - b.start);
  }

  /** Puts words into the field. @param {Partial<import("../stores/drafts.js").Words>} words */
  put(words) {
    if (!this.draft || !this.text) return;
    Object.assign(this.draft, words);
    this.text.value = this.draft.text;
    this.typed();
    this.drawDraft();
  }

  /** @param {string | null} message */
  startReply(message) {
    if (this.draft?.editing) this.letGo();
    this.put({ replyTo: message });
    this.text?.focus();
  }

  /** @param {string} id */
  startEdit(id) {
    const message = app.state.value.timelines[this.room]?.messages.find((m) => m.id === id);
    if (!message || !this.draft || !this.text) return;
    const { text, mentions, replyTo } = this.draft;
    this.draft.editing = { message: id, kept: this.draft.editing?.kept ?? { text, mentions, replyTo } };
    this.draft.mentions = [];
    this.put({ text: wordsIn(message), replyTo: null });
    this.draft.mentions = [...mentionsIn(message)];
    this.text.focus();
    this.text.setSelectionRange(this.text.value.length, this.text.value.length);
  }

  /** The last own message, if it stands among those that are loaded. */
  editLast() {
    const room = roomOf(this.room);
    const last = room && app.state.value.timelines[room.id]?.messages.findLast((m) => mayEdit(m, room));
    if (last) this.startEdit(last.id);
    return Boolean(last);
  }

  /** Neither an answer nor a change any more; what was put aside is there again. */
  letGo() {
    const { draft } = this;
    if (!draft) return;
    const kept = draft.editing?.kept;
    draft.editing = null;
    if (kept) {
      draft.mentions = [];
      this.put({ text: kept.text, replyTo: kept.replyTo });
      draft.mentions = kept.mentions;
    } else {
      this.put({ replyTo: null });
    }
    this.text?.focus();
  }

  async saveEdit() {
    const { draft } = this;
    if (!draft?.editing) return;
    const { message } = draft.editing;
    const { text, mentions } = trimmed(draft.text, draft.mentions);
    const known = app.state.value.timelines[this.room]?.messages.find((m) => m.id === message);
    this.work.sending = true;
    try {
      if (!known || wordsIn(known) !== text || JSON.stringify(mentionsIn(known)) !== JSON.stringify(mentions)) await app.send({ type: "editMessage", room: this.room, message, text, mentions });
      this.letGo();
    } catch (thrown) {
      complain(thrown);
    } finally {
      this.work.sending = false;
    }
  }
}
