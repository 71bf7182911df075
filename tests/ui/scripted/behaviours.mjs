// What the page does, told as small stories against the scripted backend.
import assert from "node:assert/strict";
import { SIZES, check, listen, until } from "../browser.mjs";
import { serve } from "../scripted.mjs";
import { STORIES } from "./stories.mjs";

/** @param {import("playwright-core").Browser} browser @param {string} wanted */
export async function behaviours(browser, wanted) {
  for (const { name, state, size = "desktop", says, tell } of STORIES) {
    if (!name.includes(wanted)) continue;
    await check(name, async () => {
      const host = await serve(state);
      const phone = size === "phone";
      const context = await browser.newContext({ viewport: SIZES[size], locale: "en-GB", hasTouch: phone, isMobile: phone, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
      const page = await context.newPage();
      page.setDefaultTimeout(8_000);
      const said = listen(page);
      try {
        await page.goto(host.url);
        await page.locator("natter-app .stage > :not(natter-loading)").first().waitFor();
        await tell({ page, host });
        assert.deepEqual(said.filter((line) => !says?.test(line)), []);
      } finally {
        await context.close();
        await host.close();
      }
    });
  }
}

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

export { until };
