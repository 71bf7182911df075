// Building and updating DOM without a framework. Text only ever becomes text nodes, never markup.

/** @typedef {Node | string | number | null | undefined | false} Child */

const AS_PROPERTY = new Set(["value", "checked", "disabled", "hidden", "readOnly", "indeterminate"]);

/**
 * Makes an element. `on…` props are listeners, `vars` are custom properties, `text` is the text; the rest are attributes.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any> | null} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  if (props) assign(element, props);
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** @param {HTMLElement} element @param {Record<string, any>} props */
export function assign(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name === "vars") for (const [key, v] of Object.entries(value)) element.style.setProperty(key, String(v));
    else if (name === "text") element.textContent = value ?? "";
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (AS_PROPERTY.has(name)) /** @type {any} */ (element)[name] = value ?? "";
    else if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

const SVG = "http://www.w3.org/2000/svg";

/** A symbol of the sprite in index.html. @param {string} name @param {string} [className] */
export function icon(name, className = "icon") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** @param {SVGElement} svg @param {string} name */
export function setIcon(svg, name) {
  svg.firstElementChild?.setAttribute("href", `#i-${name}`);
}

/** @param {string} tag @param {Record<string, string | number>} attributes @param {...Node} children */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * A button that is only an icon; its label is its tooltip too.
 * @param {string} name @param {string} label @param {(event: MouseEvent) => void} onclick @param {Record<string, any>} [props]
 */
export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

/** @param {string} label @param {(event: MouseEvent) => void} onclick @param {Record<string, any>} [props] @param {string} [iconName] */
export function button(label, onclick, props = {}, iconName) {
  return h("button", { type: "button", class: "button", onclick, ...props }, iconName ? icon(iconName) : null, h("span", { text: label }));
}

/** @type {WeakMap<Element, Map<string, HTMLElement>>} */
const keyed = new WeakMap();

/**
 * Makes the children of `parent` those of `items`, in order, keeping an element as long as its key stays. Elements
 * that are in place are not touched, so that focus, selection and loading pictures survive.
 * @template T @template {HTMLElement} E
 * @param {HTMLElement} parent @param {readonly T[]} items @param {(item: T) => string} keyOf
 * @param {(item: T) => E} make @param {(element: E, item: T) => void} [update]
 */
export function reconcile(parent, items, keyOf, make, update) {
  const before = keyed.get(parent) ?? new Map();
  /** @type {Map<string, HTMLElement>} */
  const after = new Map();
  for (const item of items) after.set(keyOf(item), /** @type {any} */ (before.get(keyOf(item)) ?? make(item)));
  for (const [key, element] of before) if (after.get(key) !== element) element.remove();
  let cursor = parent.firstElementChild;
  for (const item of items) {
    const element = /** @type {E} */ (after.get(keyOf(item)));
    update?.(element, item);
    if (element === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(element, cursor);
  }
  keyed.set(parent, after);
  return after;
}

/** Sets text only when it differs, so that a selection in it survives. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
