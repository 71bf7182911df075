// Small things that open beside what was pressed, or from below on a phone: menus and cards.
import { h, icon } from "../lib/dom.js";

const GAP = 6;
const EDGE = 8;

/**
 * @param {Element} anchor @param {{label: string, role?: string, className?: string, at?: {x: number, y: number}}} options @param {...(Node | string)} content
 */
export function openPopover(anchor, { label, role = "dialog", className = "", at }, ...content) {
  const box = h("div", { class: `popover ${className}`, popover: "auto", role, "aria-label": label, tabindex: "-1" }, ...content);
  // A modal dialog makes everything outside it inert: its popovers stay inside.
  (anchor.closest("dialog") ?? document.body).append(box);
  box.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    const inside = box.contains(document.activeElement);
    box.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (inside && anchor instanceof HTMLElement) anchor.focus();
  });
  box.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  if (!matchMedia("(width < 700px)").matches) place(box, at ? new DOMRect(at.x, at.y, 0, 0) : anchor.getBoundingClientRect());
  const first = box.querySelector("button, [href], input");
  (first instanceof HTMLElement ? first : box).focus();
  return { box, close: () => box.isConnected && box.hidePopover() };
}

/** Below the anchor and flush with its end, or where there is room. @param {HTMLElement} box @param {DOMRect} anchor */
function place(box, anchor) {
  const { offsetWidth: width, offsetHeight: height } = box;
  const rtl = document.documentElement.dir === "rtl";
  const wanted = rtl ? anchor.left : anchor.right - width;
  const left = Math.max(EDGE, Math.min(wanted < EDGE ? anchor.left : wanted, innerWidth - width - EDGE));
  const below = anchor.bottom + GAP;
  const top = below + height <= innerHeight - EDGE ? below : Math.max(EDGE, anchor.top - GAP - height);
  box.style.left = `${left}px`;
  box.style.top = `${top}px`;
}

/** @typedef {{icon: string, label: string, act: () => void, danger?: boolean} | null} MenuItem */

/** @param {Element} anchor @param {string} label @param {MenuItem[]} items @param {{at?: {x: number, y: number}, head?: Node}} [options] */
export function openMenu(anchor, label, items, { at, head } = {}) {
  const buttons = items.filter((item) => item !== null).map((item) => {
    const run = () => (close(), item.act());
    return h("button", { type: "button", role: "menuitem", class: item.danger ? "menu-item danger" : "menu-item", onclick: run }, icon(item.icon), h("span", { text: item.label }));
  });
  const menu = h("div", { role: "menu", "aria-label": label, class: "menu" }, ...buttons);
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = buttons.indexOf(/** @type {any} */ (document.activeElement));
    if (step === undefined || at < 0) return;
    event.preventDefault();
    buttons[(at + step + buttons.length) % buttons.length].focus();
  });
  const { close } = openPopover(anchor, { label, className: "menu-popover", at }, ...(head ? [head] : []), menu);
  return close;
}
