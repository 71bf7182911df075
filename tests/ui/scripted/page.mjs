// What the stories do and look at again and again.

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {Awaited<ReturnType<typeof import("../scripted.mjs").serve>>} Host */
/** @typedef {{name: string, state: string, size?: "phone" | "tablet" | "desktop", says?: RegExp, tell: (given: {page: Page, host: Host}) => Promise<void>}} Story */

/** @param {Page} page @param {string} name */
export async function open(page, name) {
  await page.locator(".room-item", { hasText: name }).first().click();
  await page.locator("natter-messages .day").first().waitFor();
}
/** @param {Host} host @param {string} name */
export const roomOf = (host, name) => host.state.rooms.find((/** @type {any} */ r) => r.name === name);
/** Somebody else says something. @param {Host} host @param {string} name @param {any} said */
export function hear(host, name, said) {
  const where = roomOf(host, name);
  where.messages.push(said);
  host.push({ type: "message", room: where.id, message: said });
  const { messages: _m, ...view } = { ...where, last: said, unread: where.unread + 1, firstUnread: where.firstUnread ?? said.id };
  host.push({ type: "room", room: view });
}
/** @param {Page} page @param {number} y */
export const scrollTo = (page, y) => page.locator(".timeline").evaluate((e, to) => e.scrollTo(0, to), y);
export const rows = (/** @type {Page} */ page) => page.locator(".message, .system, .unread-line").count();

/** Where a message stands in the timeline's view, in pixels from its upper edge. @param {import("playwright-core").Page} page @param {string} id */
export const top = (page, id) => page.evaluate((key) => {
  const view = document.querySelector(".timeline");
  const row = document.querySelector(`[data-message="${key}"]`);
  return view && row ? row.getBoundingClientRect().top - view.getBoundingClientRect().top : Number.NaN;
}, id);

/** The first message that is seen whole. @param {import("playwright-core").Page} page */
export const firstSeen = (page) => page.evaluate(() => {
  const edge = document.querySelector(".timeline")?.getBoundingClientRect().top ?? 0;
  const row = [...document.querySelectorAll(".message")].find((e) => e.getBoundingClientRect().top >= edge);
  return /** @type {HTMLElement} */ (row)?.dataset.message ?? "";
});

/** @param {import("playwright-core").Page} page */
export const toEnd = (page) => page.evaluate(() => {
  const view = /** @type {HTMLElement} */ (document.querySelector(".timeline"));
  return view.scrollHeight - view.scrollTop - view.clientHeight;
});
