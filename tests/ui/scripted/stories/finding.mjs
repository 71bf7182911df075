// Searching, dates, and the way back to the newest message.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { hear, open, roomOf, rows, toEnd } from "../page.mjs";
import { NOW, bea, text } from "../states.mjs";

/** @typedef {import("../page.mjs").Page} Page */
/** @param {Page} page @param {string} id */
const inView = (page, id) => page.locator(`[data-message="${id}"]`).evaluate((e) => e.getBoundingClientRect().top > 0 && e.getBoundingClientRect().bottom < innerHeight && document.activeElement === e).catch(() => false);

/** @type {import("../page.mjs").Story[]} */
export const FINDING = [
  { name: "a search over all rooms leads to a message far back in another room, and the pill back to the newest", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    const target = roomOf(host, "Archive").messages[3];
    await page.keyboard.press("Control+Shift+F");
    await page.getByRole("searchbox").fill(target.body.text.replace(/\W+/g, " "));
    await page.locator(".search .hit", { hasText: "in Archive" }).last().waitFor();
    await page.locator(".search mark").first().waitFor();
    await page.locator(".search .hit", { hasText: "(4)" }).click();
    await page.getByRole("heading", { name: "Archive" }).waitFor();
    await until("the message in view", () => inView(page, target.id));
    await until("its words marked", () => page.evaluate(() => [...(CSS.highlights.get("found") ?? [])].map(String).join(" ") !== ""));
    assert.ok((await rows(page)) <= 200);
    hear(host, "Archive", text(bea, "brand new", { time: NOW }));
    await page.locator(".pill[data-new]").waitFor();
    assert.equal(await page.locator(".message", { hasText: "brand new" }).count(), 0, "what is far away is not loaded");
    await page.locator(".pill").click();
    await page.locator(".message", { hasText: "brand new" }).waitFor();
    await until("the end", async () => (await toEnd(page)) < 2);
  } },
  { name: "arrows lead through what was found, Enter opens it, more is fetched when asked", state: "talk", tell: async ({ page }) => {
    await open(page, "Archive");
    await page.keyboard.press("Control+f");
    await page.getByRole("searchbox").fill("bridge");
    await page.getByRole("button", { name: "Show more" }).waitFor();
    const before = await page.locator(".search .hit").count();
    await page.getByRole("button", { name: "Show more" }).click();
    await until("more", async () => (await page.locator(".search .hit").count()) > before);
    await page.getByRole("searchbox").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const words = await page.evaluate(() => /\((\d+)\)/.exec(document.activeElement?.textContent ?? "")?.[0] ?? "none");
    await page.keyboard.press("Enter");
    await until("closed", async () => (await page.locator("dialog").count()) === 0);
    await until("there", () => page.evaluate((w) => document.activeElement?.matches(".message") && (document.activeElement.textContent ?? "").includes(w), words));
  } },
  { name: "what cannot be searched says so, and the other scope finds it", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    await page.keyboard.press("Control+f");
    await page.getByRole("searchbox").fill("forecast");
    await page.getByText("Nothing found").waitFor();
    await page.getByRole("button", { name: "In all rooms" }).click();
    await page.locator(".search .hit").first().waitFor();
    host.state.refuses = { search: "diskFailed" };
    await page.getByRole("searchbox").fill("forecasts");
    await page.getByText("The disk refused").waitFor();
  } },
  { name: "a date leads to its first message, the beginning to the first of all, a day too late says so", state: "talk", tell: async ({ page, host }) => {
    const { messages } = roomOf(host, "Archive");
    const day = new Date(messages[120].time);
    const iso = `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
    const first = messages.find((/** @type {any} */ m) => m.time >= new Date(day).setHours(0, 0, 0, 0));
    const jump = async () => {
      await page.getByRole("button", { name: "Search this room" }).click();
      await page.getByRole("button", { name: "Jump to a date" }).click();
    };
    await open(page, "Archive");
    await jump();
    await page.getByRole("textbox", { name: "Day", exact: true }).fill(iso);
    await page.getByRole("button", { name: "Jump", exact: true }).click();
    await until("the day", () => inView(page, first.id));
    await jump();
    await page.getByRole("button", { name: "The beginning" }).click();
    await until("the first message", () => inView(page, messages[0].id));
    await jump();
    await page.getByRole("button", { name: "Jump", exact: true }).click();
    await page.locator("natter-toasts").getByText("Nothing was written on that day or later").waitFor();
  } },
  { name: "reading on from far back loads the newer pages without a hole, to the newest", state: "talk", tell: async ({ page, host }) => {
    const { messages } = roomOf(host, "Archive");
    await open(page, "Archive");
    await page.keyboard.press("Control+f");
    await page.getByRole("searchbox").fill("forecast");
    await page.getByRole("button", { name: "Show more" }).click();
    await page.locator(".search .hit", { hasText: "(2)" }).click();
    await until("the message in view", () => inView(page, messages[1].id));
    for (let i = 0; i < 60 && (await page.getByText("(299)").count()) === 0; i++) {
      await page.mouse.move(700, 500);
      await page.mouse.wheel(0, 1500);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const shown = await page.locator(".message").evaluateAll((list) => list.map((e) => /** @type {HTMLElement} */ (e).dataset.message));
      const from = messages.findIndex((/** @type {any} */ m) => m.id === shown[0]);
      assert.deepEqual(shown, messages.slice(from, from + shown.length).map((/** @type {any} */ m) => m.id));
      assert.ok(shown.length <= 200);
    }
    await page.locator(".message", { hasText: "(299)" }).waitFor();
    await until("the end", async () => (await page.mouse.wheel(0, 3000), (await toEnd(page)) < 2));
  } },
];
