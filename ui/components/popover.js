// Small things that open beside what was pressed, or from below on a phone: menus and cards.
import { h, icon } from "../lib/dom.js";

const GAP = 6;
const EDGE = 8;

/** Closes the one that is open. @type {(() => void) | null} */
let closeOpen = null;

/**
 * @param {Element} anchor @param {{label: string, className?: string, at?: {x: number, y: number}}} options @param {...(Node | string)} content
 */
export function openPopover(anchor, { label, className = "", at }, ...content) {
  closeOpen?.();
  // Manual: the browser's own light dismissal would take letting go of a long press for a press beside it.
  const box = h("div", { class: `popover ${className}`, popover: "manual", role: "dialog", "aria-label": label, tabindex: "-1" }, ...content);
  // A modal dialog makes everything outside it inert: its popovers stay inside.
  (anchor.closest("dialog") ?? document.body).append(box);
  const aborter = new AbortController();
  const close = () => {
    if (!box.isConnected) return;
    const inside = box.contains(document.activeElement);
    aborter.abort();
    box.remove();
    closeOpen = null;
    anchor.setAttribute("aria-expanded", "false");
    if (inside && anchor instanceof HTMLElement) anchor.focus();
  };
  closeOpen = close;
  dismiss(box, close, aborter.signal);
  box.showPopover();
  anchor.setAttribute("aria-expanded", "true");
  if (!matchMedia("(width < 700px)").matches) place(box, at ? new DOMRect(at.x, at.y, 0, 0) : anchor.getBoundingClientRect());
  const first = box.querySelector("button, [href], input");
  (first instanceof HTMLElement ? first : box).focus();
  return { box, close };
}

/** A press beside it, Esc, or the focus going elsewhere closes it. @param {HTMLElement} box @param {() => void} close @param {AbortSignal} signal */
function dismiss(box, close, signal) {
  addEventListener("pointerdown", (press) => {
    if (press.target instanceof Node && box.contains(press.target)) return;
    close();
    // That press closed it and does nothing else.
    const swallow = new AbortController();
    addEventListener("click", (event) => (event.preventDefault(), event.stopPropagation(), swallow.abort()), { capture: true, signal: swallow.signal });
    addEventListener("pointerdown", () => swallow.abort(), { capture: true, signal: swallow.signal });
  }, { capture: true, signal });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  }, { capture: true, signal });
  box.addEventListener("focusout", (event) => {
    if (event.relatedTarget instanceof Node && !box.contains(event.relatedTarget)) close();
  }, { signal });
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
  const { box, close } = openPopover(anchor, { label, className: "menu-popover", at }, ...(head ? [head] : []), menu);
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const from = buttons.indexOf(/** @type {any} */ (document.activeElement));
    if (step === undefined || buttons.length === 0) return;
    event.preventDefault();
    const to = from < 0 ? (step > 0 ? 0 : -1) : (from + step + buttons.length) % buttons.length;
    buttons.at(to)?.focus();
  });
  return close;
}
