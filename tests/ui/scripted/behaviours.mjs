// What the page does, told as small stories against the scripted backend.
import assert from "node:assert/strict";
import { SIZES, check, listen } from "../browser.mjs";
import { serve } from "../scripted.mjs";
import { HANDS } from "./stories/hands.mjs";
import { MESSAGES } from "./stories/messages.mjs";
import { PEOPLE } from "./stories/people.mjs";
import { ROLES } from "./stories/roles.mjs";
import { ROOMS } from "./stories/rooms.mjs";
import { FINDING } from "./stories/finding.mjs";
import { TALKING } from "./stories/talking.mjs";
import { TIMELINE } from "./stories/timeline.mjs";
import { TROUBLES } from "./stories/troubles.mjs";

const STORIES = [...ROOMS, ...MESSAGES, ...TIMELINE, ...HANDS, ...TROUBLES, ...TALKING, ...FINDING, ...ROLES, ...PEOPLE];

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
