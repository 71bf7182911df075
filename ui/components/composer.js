// What is being written: words, a quoted message, pictures. Enter sends, Shift+Enter breaks the line.
import { app } from "../stores/app.js";
import { MAX_ATTACHMENTS, draftOf } from "../stores/drafts.js";
import { forgetRoom } from "../stores/route.js";
import { others, roomOf } from "../stores/select.js";
import { toast } from "../stores/toasts.js";
import { button, h, iconButton, setText } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { addFiles, drawStrip, pictureFiles } from "./staged-strip.js";
import { quoteWords } from "./quote.js";
import { View } from "./view.js";

/** Bytes of UTF-8 that one message may have. */
const MAX_TEXT_BYTES = 16_384;
const COUNT_FROM_BYTES = 14_000;

class Composer extends View {
  sources() {
    return [app.state, app.link];
  }

  build() {
    this.room = this.dataset.room ?? "";
    this.draft = draftOf(this.room);
    this.answer = h("div", { class: "answering", hidden: true });
    this.strip = h("ul", { class: "strip", hidden: true, "aria-label": t("composer.pictures") });
    this.hint = h("p", { class: "composer-hint", role: "status", hidden: true });
    this.count = h("p", { class: "composer-count", hidden: true });
    this.picker = h("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", multiple: true, class: "sr-only", tabindex: "-1", "aria-hidden": "true", onchange: () => this.picked() });
    this.text = h("textarea", { rows: "1", class: "composer-text", "aria-label": t("composer.label"), placeholder: t("composer.label"), dir: "auto", enterkeyhint: "send", autocomplete: "off", value: this.draft.text });
    this.sendButton = iconButton("send", t("composer.send"), () => this.send(), { class: "icon-button send" });
    const line = h("div", { class: "composer-line" }, iconButton("picture", t("composer.attach"), () => this.picker?.click()), this.text, this.sendButton, this.picker);
    this.box = h("div", { class: "composer-box" }, this.answer, this.strip, line);
    this.gone = h("div", { class: "composer-gone", hidden: true }, h("p", { text: t("room.goneText") }), button(t("room.remove"), () => this.removeRoom(), {}, "trash"));
    this.append(this.hint, this.box, this.count, this.gone);
    this.text.addEventListener("input", () => this.typed());
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.text.addEventListener("paste", (event) => this.take(event, event.clipboardData));
    this.addEventListener("reply", (event) => this.startReply(/** @type {CustomEvent} */ (event).detail));
    this.addEventListener("staged", () => this.drawDraft());
    this.drawDraft();
    this.typed();
  }

  connectedCallback() {
    super.connectedCallback();
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
  }

  update() {
    const room = roomOf(this.room ?? null);
    if (!room || !this.box || !this.gone || !this.hint) return;
    const member = room.standing === "member";
    this.box.hidden = !member;
    this.gone.hidden = member;
    const away = member && others(room).length > 0 && !others(room).some((m) => m.presence === "online");
    this.hint.hidden = !away;
    setText(this.hint, away ? t("composer.nobodyHere") : "");
    this.drawDraft();
  }

  drawDraft() {
    const { draft, strip, answer, sendButton, text } = this;
    const room = roomOf(this.room ?? null);
    if (!draft || !strip || !answer || !sendButton || !text || !room) return;
    strip.hidden = draft.attachments.length === 0;
    drawStrip(strip, draft, this);
    answer.hidden = draft.replyTo === null;
    if (draft.replyTo !== null && answer.dataset.shown !== draft.replyTo) {
      const { hue, parts } = quoteWords(room, draft.replyTo);
      answer.replaceChildren(h("div", { class: "quote", "data-hue": hue || null }, ...parts), iconButton("close", t("composer.noReply"), () => this.startReply(null)));
    }
    answer.dataset.shown = draft.replyTo ?? "";
    text.placeholder = draft.attachments.length > 0 ? t("composer.caption") : t("composer.label");
    sendButton.disabled = !this.ready();
  }

  ready() {
    const { draft } = this;
    if (!draft || this.bytes() > MAX_TEXT_BYTES) return false;
    if (draft.attachments.length > 0) return draft.attachments.every((a) => a.staged);
    return draft.text.trim() !== "";
  }

  bytes() {
    return new TextEncoder().encode(this.draft?.text ?? "").length;
  }

  typed() {
    const { text, draft, count, sendButton } = this;
    if (!text || !draft || !count || !sendButton) return;
    draft.text = text.value;
    const bytes = this.bytes();
    count.hidden = bytes < COUNT_FROM_BYTES;
    count.toggleAttribute("data-over", bytes > MAX_TEXT_BYTES);
    setText(count, count.hidden ? "" : bytes > MAX_TEXT_BYTES ? t("composer.tooLong") : t("composer.left", { count: MAX_TEXT_BYTES - bytes }));
    text.style.blockSize = "auto";
    text.style.blockSize = `${text.scrollHeight}px`;
    sendButton.disabled = !this.ready();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      this.send();
    } else if (event.key === "Escape" && this.draft?.replyTo) {
      event.preventDefault();
      this.startReply(null);
    }
  }

  /** @param {string | null} message */
  startReply(message) {
    if (!this.draft) return;
    this.draft.replyTo = message;
    this.drawDraft();
    this.text?.focus();
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
    if (this.draft && pictures.length > 0) addFiles(this.draft, pictures, this);
    this.text?.focus();
  }

  async send() {
    const { draft, text } = this;
    if (!draft || !text || !this.ready() || this.sending) return;
    const room = this.room ?? "";
    const words = draft.text.trim() === "" ? "" : draft.text.replace(/^\n+|\s+$/g, "");
    const { attachments, replyTo } = draft;
    this.sending = true;
    Object.assign(draft, { text: "", replyTo: null, attachments: [] });
    text.value = "";
    this.typed();
    this.drawDraft();
    let sent = 0;
    try {
      if (attachments.length === 0) await app.send({ type: "sendText", room, text: words, replyTo });
      for (const [i, { staged }] of attachments.entries()) {
        const caption = i === attachments.length - 1 ? words : "";
        await app.send({ type: "sendPicture", room, staged: staged?.id ?? "", caption, replyTo: i === 0 ? replyTo : null });
        sent += 1;
      }
    } catch (thrown) {
      // Nothing that was written is lost: what did not go stands in the composer again.
      Object.assign(draft, { text: [words, draft.text].filter(Boolean).join("\n"), replyTo: sent === 0 ? replyTo : null, attachments: [...attachments.slice(sent), ...draft.attachments].slice(0, MAX_ATTACHMENTS) });
      text.value = draft.text;
      complain(thrown);
    } finally {
      for (const { url } of attachments.slice(0, sent)) URL.revokeObjectURL(url);
      this.sending = false;
      this.typed();
      this.drawDraft();
    }
  }

  async removeRoom() {
    await app.send({ type: "leaveRoom", room: this.room ?? "" }).then(forgetRoom, complain);
  }
}

customElements.define("natter-composer", Composer);
