// Dialogs: the native element, so that focus is kept inside and goes back where it came from.
import { button, h, iconButton } from "../lib/dom.js";
import { t } from "../lib/i18n.js";

let lastId = 0;

/**
 * @param {{title: string, body: (Node | string)[], actions?: Node[], size?: "small" | "medium" | "large", onclose?: () => void}} options
 * @returns {{dialog: HTMLDialogElement, close: () => void}}
 */
export function openDialog({ title, body, actions = [], size = "medium", onclose }) {
  const id = `dialog-${++lastId}`;
  const close = () => dialog.close();
  const heading = h("h2", { id, class: "dialog-title", text: title, tabindex: "-1" });
  const head = h("div", { class: "dialog-head" }, heading, iconButton("close", t("close"), close));
  const content = h("div", { class: "dialog-body" }, ...body);
  const foot = actions.length > 0 ? h("div", { class: "dialog-foot" }, ...actions) : null;
  const dialog = h("dialog", { class: `dialog ${size}`, "aria-labelledby": id }, h("div", { class: "dialog-sheet" }, head, content, foot));
  show(dialog, onclose);
  return { dialog, close };
}

/** Shows a dialog, lets a press beside it close it, and takes it away afterwards. @param {HTMLDialogElement} dialog @param {() => void} [onclose] */
export function show(dialog, onclose) {
  const before = document.activeElement;
  let pressedBeside = false;
  dialog.addEventListener("pointerdown", (event) => (pressedBeside = event.target === dialog));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog && pressedBeside) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    // What was opened from here may have taken the focus meanwhile.
    const free = document.activeElement === null || document.activeElement === document.body;
    if (free && before instanceof HTMLElement && before.isConnected) before.focus();
    onclose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  const first = dialog.querySelector("[autofocus]") ?? dialog.querySelector(".dialog-body :is(input, textarea, select, button):not([disabled])");
  if (first instanceof HTMLElement) first.focus();
}

/**
 * Asks before something that cannot be undone.
 * @param {{title: string, text: string, yes: string, danger?: boolean}} question @returns {Promise<boolean>}
 */
export function confirm({ title, text, yes, danger = false }) {
  return new Promise((resolve) => {
    let answer = false;
    const act = button(yes, () => ((answer = true), close()), { class: danger ? "button danger" : "button primary" });
    const cancel = button(t("cancel"), () => close(), { autofocus: true });
    const { close } = openDialog({ title, body: [h("p", { text })], actions: [cancel, act], size: "small", onclose: () => resolve(answer) });
    cancel.focus();
  });
}
