// Pictures that wait in the composer, each handed to the backend the moment it is chosen.
import { app } from "../stores/app.js";
import { MAX_ATTACHMENTS } from "../stores/drafts.js";
import { toast } from "../stores/toasts.js";
import { h, icon, iconButton, reconcile } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";

/** @typedef {import("../stores/drafts.js").Draft} Draft */
/** @typedef {import("../stores/drafts.js").Attachment} Attachment */

let lastKey = 0;

/** @param {File[]} files */
export const pictureFiles = (files) => files.filter((file) => /^image\/(png|jpeg|gif|webp)$/.test(file.type));

/** @param {Draft} draft @param {File[]} files @param {HTMLElement} composer hears `staged` whenever one moved */
export function addFiles(draft, files, composer) {
  const free = MAX_ATTACHMENTS - draft.attachments.length;
  if (files.length > free) toast(t("composer.tooMany", { count: MAX_ATTACHMENTS }), "bad");
  for (const file of files.slice(0, Math.max(0, free))) stage(draft, file, composer);
}

/** @param {Draft} draft @param {File} file @param {HTMLElement} composer */
async function stage(draft, file, composer) {
  /** @type {Attachment} */
  const attachment = { key: String(++lastKey), name: file.name, staged: null, url: URL.createObjectURL(file) };
  draft.attachments = [...draft.attachments, attachment];
  composer.dispatchEvent(new Event("staged"));
  try {
    const staged = await app.port?.stage(file);
    if (!staged) return;
    const waits = draft.attachments.some((a) => a.key === attachment.key);
    // Taken out while it was handed over: forget it there too.
    if (!waits) app.send({ type: "unstage", staged: staged.id }).catch(() => {});
    draft.attachments = draft.attachments.map((a) => (a.key === attachment.key ? { ...a, staged } : a));
  } catch (thrown) {
    complain(thrown);
    drop(draft, attachment);
  }
  composer.dispatchEvent(new Event("staged"));
}

/** @param {Draft} draft @param {Attachment} attachment */
function drop(draft, attachment) {
  draft.attachments = draft.attachments.filter((a) => a.key !== attachment.key);
  URL.revokeObjectURL(attachment.url);
}

/** @param {Draft} draft @param {Attachment} attachment @param {HTMLElement} composer */
export function unstage(draft, attachment, composer) {
  const { staged } = draft.attachments.find((a) => a.key === attachment.key) ?? attachment;
  drop(draft, attachment);
  if (staged) app.send({ type: "unstage", staged: staged.id }).catch(() => {});
  composer.dispatchEvent(new Event("staged"));
}

/** @param {HTMLElement} strip @param {Draft} draft @param {HTMLElement} composer */
export function drawStrip(strip, draft, composer) {
  reconcile(strip, draft.attachments, (a) => a.key, (attachment) =>
    h("li", { class: "staged" }, h("img", { src: attachment.url, alt: attachment.name, title: attachment.name }), h("span", { class: "staged-note" }),
      iconButton("close", t("composer.unstage", { name: attachment.name }), () => unstage(draft, attachment, composer), { class: "icon-button staged-drop" })),
  (item, { staged }) => {
    item.toggleAttribute("data-busy", staged === null);
    const note = item.querySelector(".staged-note");
    if (staged?.stripped && !note?.firstChild) note?.append(icon("check"), t("composer.stripped"));
  });
}
