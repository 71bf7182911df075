// What is being written: words, a quoted message, pictures; or the change of a message that is there. Enter sends,
// Shift+Enter breaks the line.
import { app } from "../stores/app.js";
import { MAX_ATTACHMENTS, MAX_TEXT_BYTES, draftOf, keep, keepSoon } from "../stores/drafts.js";
import { forgetRoom } from "../stores/route.js";
import { others, roomOf } from "../stores/select.js";
import { toast } from "../stores/toasts.js";
import { button, h, iconButton } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { find, trimmed } from "../lib/mentions.js";
import { Above } from "./composer-above.js";
import { ComposerWords } from "./composer-words.js";
import { MentionList } from "./mention-list.js";
import { MAC } from "./shortcuts.js";
import { addFiles, drawStrip, pictureFiles } from "./staged-strip.js";
import { markOf, toggleMark } from "./text-edit.js";
import { TypingWord } from "./typing-word.js";
import "./composer-hint.js";

class Composer extends ComposerWords {
  sources() {
    return [app.state, app.link];
  }

  build() {
    this.room = this.dataset.room ?? "";
    this.draft = draftOf(this.room, roomOf(this.room)?.draft);
    if (this.draft.mentions.length === 0) this.draft.mentions = find(this.draft.text, roomOf(this.room)?.members.filter((m) => !m.own) ?? []);
    this.above = new Above(() => this.letGo());
    this.strip = h("ul", { class: "strip", hidden: true, "aria-label": t("composer.pictures") });
    this.count = h("p", { class: "composer-count", hidden: true });
    this.picker = h("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", multiple: true, class: "sr-only", tabindex: "-1", "aria-hidden": "true", onchange: () => this.picked() });
    this.text = h("textarea", { rows: "1", class: "composer-text", "aria-label": t("composer.label"), placeholder: t("composer.label"), dir: "auto", enterkeyhint: "send", autocomplete: "off", value: this.draft.text });
    this.mentions = new MentionList(this.text, (start, member) => this.mention(start, member));
    this.typing = new TypingWord(this.room);
    this.sendButton = iconButton("send", t("composer.send"), () => this.send(), { class: "icon-button send" });
    this.attach = iconButton("picture", t("composer.attach"), () => this.picker?.click());
    const line = h("div", { class: "composer-line" }, this.attach, this.text, this.sendButton, this.picker);
    this.box = h("div", { class: "composer-box" }, this.mentions.box, this.above.element, this.strip, line);
    this.gone = h("div", { class: "composer-gone", hidden: true }, h("p", { text: t("room.goneText") }), button(t("room.remove"), () => this.removeRoom(), {}, "trash"));
    this.append(h(/** @type {any} */ ("natter-hint"), { "data-room": this.room }), this.box, this.count, this.gone);
    this.text.addEventListener("input", () => this.onInput());
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.text.addEventListener("click", () => this.look());
    this.text.addEventListener("blur", () => this.mentions?.close());
    this.text.addEventListener("paste", (event) => this.take(event, event.clipboardData));
    this.addEventListener("reply", (event) => this.startReply(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("edit", (event) => this.startEdit(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("staged", () => this.drawDraft());
    this.drawDraft();
  }

  connectedCallback() {
    super.connectedCallback();
    this.typed();
    let width = 0;
    // It is shown, or the window changes: the words wrap elsewhere. In the next frame, so that what watches the messages' size sees it.
    this.observer = new ResizeObserver(([{ contentRect }]) => contentRect.width !== width && ((width = contentRect.width), requestAnimationFrame(() => this.fit())));
    if (this.text) this.observer.observe(this.text);
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    const pane = this.closest("natter-room") ?? this;
    const over = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => over(event) && (event.preventDefault(), pane.toggleAttribute("data-drop", true)), { signal });
    addEventListener("dragleave", (event) => event.relatedTarget === null && pane.removeAttribute("data-drop"), { signal });
    addEventListener("drop", (event) => (pane.removeAttribute("data-drop"), this.take(event, event.dataTransfer)), { signal });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.aborter?.abort();
    this.observer?.disconnect();
    keep(this.room);
  }

  update() {
    const room = roomOf(this.room);
    if (!room || !this.box || !this.gone) return;
    this.box.hidden = room.standing !== "member";
    this.gone.hidden = room.standing === "member";
    this.drawDraft();
  }

  drawDraft() {
    const { draft, strip, above, sendButton, text, attach } = this;
    const room = roomOf(this.room);
    if (!draft || !strip || !above || !sendButton || !text || !room || !attach) return;
    strip.hidden = draft.attachments.length === 0 || draft.editing !== null;
    drawStrip(strip, draft, this);
    above.set(draft, room);
    attach.hidden = draft.editing !== null;
    text.placeholder = draft.attachments.length > 0 && !draft.editing ? t("composer.caption") : t("composer.label");
    const label = draft.editing ? t("composer.save") : t("composer.send");
    sendButton.title = label;
    sendButton.setAttribute("aria-label", label);
    sendButton.disabled = !this.ready();
  }

  ready() {
    const { draft } = this;
    if (!draft || this.bytes() > MAX_TEXT_BYTES) return false;
    if (draft.attachments.length > 0 && !draft.editing) return draft.attachments.every((a) => a.staged);
    return draft.text.trim() !== "";
  }

  /** The person changed the words. */
  onInput() {
    const room = roomOf(this.room);
    this.typed();
    if (this.sendButton) this.sendButton.disabled = !this.ready();
    this.look();
    keepSoon(this.room);
    if (room && this.draft) this.typing?.key(this.draft, room);
  }

  look() {
    const room = roomOf(this.room);
    if (room) this.mentions?.look(room, this.draft?.mentions.length ?? 0);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.isComposing || !this.text || this.mentions?.key(event)) return;
    const mark = markOf(event, MAC);
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) this.send();
    else if (event.key === "Escape" && (this.draft?.replyTo || this.draft?.editing)) this.letGo();
    else if (event.key === "ArrowUp" && this.text.value === "" && !event.altKey && !event.ctrlKey && !event.metaKey && this.editLast()) this.mentions?.close();
    else if (mark) toggleMark(this.text, mark);
    else return;
    event.preventDefault();
  }

  picked() {
    const files = [...(this.picker?.files ?? [])];
    if (this.picker) this.picker.value = "";
    if (this.draft) addFiles(this.draft, files, this);
    this.text?.focus();
  }

  /** Pictures that were dropped or pasted. @param {Event} event @param {DataTransfer | null} data */
  take(event, data) {
    const files = [...(data?.files ?? [])];
    if (files.length === 0 || this.gone?.hidden === false) return;
    event.preventDefault();
    const pictures = pictureFiles(files);
    if (pictures.length < files.length) toast(t("error.notAPicture"), "bad");
    if (this.draft?.editing && pictures.length > 0) this.letGo();
    if (this.draft && pictures.length > 0) addFiles(this.draft, pictures, this);
    this.text?.focus();
  }

  async send() {
    const { draft, text } = this;
    if (!draft || !text || !this.ready() || this.work.sending) return;
    if (draft.editing) return this.saveEdit();
    const room = this.room;
    const { text: words, mentions } = trimmed(draft.text, draft.mentions);
    const { attachments, replyTo } = draft;
    this.work.sending = true;
    this.mentions?.close();
    Object.assign(draft, { text: "", mentions: [], replyTo: null, attachments: [] });
    this.put({});
    let sent = 0;
    try {
      if (attachments.length === 0) await app.send({ type: "sendText", room, text: words, mentions, replyTo });
      for (const [i, { staged }] of attachments.entries()) {
        const caption = i === attachments.length - 1 ? words : "";
        await app.send({ type: "sendPicture", room, staged: staged?.id ?? "", caption, replyTo: i === 0 ? replyTo : null });
        sent += 1;
      }
    } catch (thrown) {
      // Nothing that was written is lost: what did not go stands in the composer again.
      Object.assign(draft, { text: [words, draft.text].filter(Boolean).join("\n"), mentions, replyTo: sent === 0 ? replyTo : null, attachments: [...attachments.slice(sent), ...draft.attachments].slice(0, MAX_ATTACHMENTS) });
      complain(thrown);
    } finally {
      for (const { url } of attachments.slice(0, sent)) URL.revokeObjectURL(url);
      this.work.sending = false;
      this.typing?.sent();
      this.put({});
      keep(room);
    }
  }

  async removeRoom() {
    await app.send({ type: "leaveRoom", room: this.room }).then(forgetRoom, complain);
  }
}

customElements.define("natter-composer", Composer);
