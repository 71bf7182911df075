// Keyboard and touch.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { open } from "../page.mjs";

/** @type {import("../page.mjs").Story[]} */
export const HANDS = [
  { name: "keyboard: jump, rooms, list of shortcuts, Esc gives the focus back", state: "full", tell: async ({ page }) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("hut");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Hut weekend" }).waitFor();
    await page.keyboard.press("Alt+ArrowDown");
    await page.getByRole("heading", { name: "Pictures" }).waitFor();
    await page.keyboard.press("Alt+ArrowUp");
    await page.getByRole("heading", { name: "Hut weekend" }).waitFor();
    await page.getByRole("button", { name: "Settings and profile" }).focus();
    await page.keyboard.press("?");
    await page.getByText("Keyboard shortcuts").waitFor();
    await page.keyboard.press("Escape");
    await until("closed", async () => (await page.locator("dialog").count()) === 0);
    assert.equal(await page.evaluate(() => document.activeElement?.className), "me-button");
  } },
  { name: "keyboard: one stop among the messages, arrows move, R replies, Enter opens the menu", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    await page.getByLabel("Write a message").focus();
    assert.equal(await page.locator(".message[tabindex='0']").count(), 1);
    await page.locator(".message[tabindex='0']").focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.getByRole("menu").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Escape");
    await until("focus on the message again", () => page.evaluate(() => document.activeElement?.matches(".message") ?? false));
    await page.keyboard.press("r");
    await page.locator(".answering .quote").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.localName), "textarea");
    await page.keyboard.press("Escape");
    await until("no quote", async () => (await page.locator(".answering").isHidden()));
  } },
  { name: "keyboard: Tab reaches every control, and each one shows its focus", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
    const reached = new Set();
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      const now = await page.evaluate(() => {
        const e = document.activeElement;
        if (!e || e === document.body) return null;
        const shows = (/** @type {Element} */ one) => getComputedStyle(one).outlineStyle !== "none" || getComputedStyle(one).boxShadow !== "none";
        return { name: e.getAttribute("aria-label") ?? e.textContent?.slice(0, 30) ?? "", shows: shows(e) || shows(/** @type {Element} */ (e.closest(".composer-box") ?? e)) };
      });
      if (!now) continue;
      assert.ok(now.shows, `no focus to be seen on ${now.name}`);
      reached.add(now.name);
    }
    for (const name of ["Settings and profile", "New room or invite", "Invite people", "Write a message", "Add pictures", "Leave room"]) assert.ok([...reached].some((r) => r.includes(name)), `${name} was not reached: ${[...reached].join(", ")}`);
  } },
  { name: "on a phone back leads from details to room to rooms", state: "full", size: "phone", tell: async ({ page }) => {
    const pane = () => page.locator(".shell").getAttribute("data-pane");
    await open(page, "Hut weekend");
    await page.locator(".panel-toggle").click();
    await until("details", async () => (await pane()) === "details");
    await page.goBack();
    await until("room", async () => (await pane()) === "room");
    await page.locator(".picture-frame").first().click();
    await page.locator(".lightbox").waitFor();
    await page.goBack();
    await until("no lightbox", async () => (await page.locator(".lightbox").count()) === 0);
    assert.equal(await pane(), "room");
    await page.getByRole("button", { name: "Back" }).click();
    await until("rooms", async () => (await pane()) === "rooms");
  } },
  { name: "on a phone every control is at least 44 pixels", state: "full", size: "phone", tell: async ({ page }) => {
    const small = () => page.evaluate(() => [...document.querySelectorAll("button, input:not([type=file]), select, textarea")].filter((e) => {
      const box = e.getBoundingClientRect();
      const inline = e.matches(".delivery, .link, .quote, .face, .show-all, .mention, .edited, summary");
      return !inline && e.checkVisibility({ visibilityProperty: true }) && box.width > 1 && (box.width < 43.5 || box.height < 43.5);
    }).map((e) => `${e.className} ${e.getBoundingClientRect().width}x${e.getBoundingClientRect().height}`));
    assert.deepEqual(await small(), []);
    await open(page, "Climbing club");
    assert.deepEqual(await small(), []);
    await page.locator(".panel-toggle").click();
    assert.deepEqual(await small(), []);
  } },
  { name: "on a phone signs, pins, pickers and search have 44 pixels too", state: "talk", size: "phone", tell: async ({ page }) => {
    const small = () => page.evaluate(() => [...document.querySelectorAll("button, input:not([type=file])")].filter((e) => {
      const box = e.getBoundingClientRect();
      return !e.matches(".delivery, .link, .quote, .face, .show-all, .mention, .edited") && e.checkVisibility({ visibilityProperty: true }) && box.width > 1 && (box.width < 43.5 || box.height < 43.5);
    }).map((e) => `${e.className} ${e.getBoundingClientRect().width}x${e.getBoundingClientRect().height}`));
    await open(page, "Workshop");
    assert.deepEqual(await small(), []);
    await page.locator(".message", { hasText: "Perfect" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("menu").waitFor();
    assert.deepEqual(await small(), []);
    await page.getByRole("button", { name: "More reactions" }).click();
    await page.locator(".picker .quick").first().waitFor();
    assert.deepEqual(await small(), []);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Search this room" }).click();
    await page.getByRole("searchbox").fill("saturday");
    await page.locator(".search mark").first().waitFor();
    assert.deepEqual(await small(), []);
  } },
  { name: "on a phone a long press opens the message's menu, with the full date, and letting go keeps it", state: "full", size: "phone", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    const box = await page.locator(".message", { hasText: "Done, carriage 5" }).locator(".bubble").boundingBox();
    const at = [{ x: Math.round((box?.x ?? 0) + 40), y: Math.round((box?.y ?? 0) + 14) }];
    const input = await page.context().newCDPSession(page);
    await input.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at });
    await page.getByRole("menu").waitFor();
    await input.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    assert.equal(await page.locator(".menu-head time").textContent(), await page.locator(".message", { hasText: "Done, carriage 5" }).locator("time").getAttribute("title"));
    await page.getByRole("menuitem", { name: "Reply" }).click();
    await page.locator(".answering .quote").waitFor();
  } },
];
