// Reading: the unread line, pages, jumps, and nothing that moves.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { firstSeen, hear, open, roomOf, rows, scrollTo, toEnd, top } from "../page.mjs";
import { NOW, bea, text } from "../states.mjs";

/** @type {import("../page.mjs").Story[]} */
export const TIMELINE = [
  { name: "every message has its sender's name, and its time in full", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    const all = await page.locator(".message").evaluateAll((list) => list.map((e) => ({ name: e.querySelector(".author")?.textContent, label: e.getAttribute("aria-labelledby"), full: e.querySelector("time")?.title, at: e.querySelector("time")?.getAttribute("datetime"), shown: e.querySelector("time")?.checkVisibility() })));
    assert.ok(all.length > 10);
    for (const one of all) assert.ok(one.name && one.label && one.full?.includes("2026") && one.at && one.shown, JSON.stringify(one));
  } },
  { name: "the unread line, and reading to the end tells the backend", state: "full", tell: async ({ page, host }) => {
    await open(page, "Archive");
    const line = page.locator(".unread-line");
    await line.waitFor();
    assert.ok(await line.evaluate((e) => e.getBoundingClientRect().top > 0 && e.getBoundingClientRect().top < innerHeight));
    await page.locator(".pill").click();
    await until("read", () => roomOf(host, "Archive").unread === 0);
    await until("no badge", async () => (await page.locator(".room-item", { hasText: "Archive" }).locator(".badge-count").count()) === 0);
    assert.equal(await line.count(), 1);
  } },
  { name: "300 messages: older pages come without a jump, and never more than 200 rows", state: "full", tell: async ({ page }) => {
    await open(page, "Archive");
    await page.locator(".pill").click();
    let most = 0;
    for (let i = 0; i < 40 && (await page.getByText("(1)", { exact: false }).count()) === 0; i++) {
      await page.mouse.move(700, 500);
      await page.mouse.wheel(0, -900);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const seen = await firstSeen(page);
      const at = await top(page, seen);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const now = await top(page, seen);
      assert.ok(Number.isNaN(now) || Math.abs(now - at) <= 2, `message moved from ${at} to ${now}`);
      most = Math.max(most, await rows(page));
    }
    await until("the first message", async () => (await page.locator(".message", { hasText: /\(1\)/ }).count()) === 1);
    assert.ok(most <= 200, `${most} rows`);
    await page.locator(".pill").click();
    await until("the newest", async () => (await page.locator(".message", { hasText: "(300)" }).count()) === 1 && (await toEnd(page)) < 2);
  } },
  { name: "away from the end a new message moves nothing and shows in the pill; at the end it is followed", state: "full", tell: async ({ page, host }) => {
    await open(page, "Hut weekend");
    await until("the end", async () => (await toEnd(page)) < 2);
    hear(host, "Hut weekend", text(bea, "followed", { time: NOW }));
    await page.getByText("followed").last().waitFor();
    await until("the end", async () => (await toEnd(page)) < 2);
    await scrollTo(page, 100);
    const seen = await firstSeen(page);
    const at = await top(page, seen);
    hear(host, "Hut weekend", text(bea, "not followed", { time: NOW }));
    await page.locator(".pill[data-new]").waitFor();
    assert.ok(Math.abs((await top(page, seen)) - at) <= 1);
    await page.locator(".pill").click();
    await until("the end", async () => (await toEnd(page)) < 2);
  } },
  { name: "a quote jumps, also to a message that is not loaded", state: "full", tell: async ({ page, host }) => {
    const archive = roomOf(host, "Archive");
    await open(page, "Archive");
    hear(host, "Archive", text(bea, "remember?", { time: NOW, replyTo: archive.messages[3].id }));
    const quote = page.locator(".message", { hasText: "remember?" }).locator(".quote");
    await page.locator(".pill").click();
    await quote.click();
    const target = page.locator(`[data-message="${archive.messages[3].id}"]`);
    await until("the quoted message in view", () => target.evaluate((e) => e.getBoundingClientRect().top > 0 && e.getBoundingClientRect().bottom < innerHeight && document.activeElement === e).catch(() => false));
    assert.ok((await rows(page)) <= 200);
  } },
  { name: "a delivery that moves changes its mark in place, and the popover says who", state: "full", tell: async ({ page, host }) => {
    await open(page, "Hut weekend");
    const hut = roomOf(host, "Hut weekend");
    const last = hut.messages.at(-1);
    const mark = page.locator(`[data-message="${last.id}"] natter-delivery`);
    assert.equal(await mark.getAttribute("data-state"), "saved");
    host.push({ type: "delivery", room: hut.id, delivery: { [last.id]: { state: "read", heldBy: [bea.device], readBy: [bea.device], of: 3 } } });
    await until("read", async () => (await mark.getAttribute("data-state")) === "read");
    await mark.getByRole("button").click();
    await page.getByRole("dialog", { name: "Who has this message" }).getByText("Bea Lindqvist").waitFor();
    await page.keyboard.press("Escape");
    await until("closed", async () => (await page.locator(".delivery-card").count()) === 0);
  } },
];
