// What is in the way, in words a person can act on; and nothing written is lost by it.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { open } from "../page.mjs";

/** What each broken profile is called, and a word of what to do. */
const BROKEN = {
  databaseLocked: ["Natter is already open", "Go to the other window"],
  databaseDamaged: ["Your messages cannot be read", "Restore the file from a backup"],
  databaseTooNew: ["This Natter is too old", "Update Natter"],
  diskFull: ["The disk is full", "Free some space"],
  diskFailed: ["Your messages cannot be opened", "Check that the disk is there"],
  noKeychain: ["The keychain does not answer", "unlock the keychain"],
};
const INVITES = {
  "natter://join#cut": "cut short or mistyped. Copy the whole link again",
  "natter://join#old": "has expired. Ask for a new one",
  "natter://join#new": "made by a newer Natter. Update",
  "natter://join#used": "is used up. Ask for a new one",
  "https://discord.gg/abcdefg": "This is no Natter invite",
};
const KNOCKS = { usedUp: "is used up", expired: "has expired", void: "was withdrawn", declined: "did not let you in" };
const MEETING = ["Found no free port", "does not answer, trying again", "full, trying again", "serves another app", "does not behave like a meeting point", "closed the connection, trying again", "connecting…"];

/** @type {import("../page.mjs").Story[]} */
export const TROUBLES = [
  { name: "a broken profile says what happened and what to do, and opens without a new start", state: "broken", tell: async ({ page, host }) => {
    for (const [code, [title, todo]] of Object.entries(BROKEN)) {
      host.push({ type: "trouble", error: { code, message: code } });
      await page.getByRole("heading", { name: title }).waitFor();
      await page.locator(".todo", { hasText: todo }).waitFor();
    }
    host.state.refuses = { reopen: "diskFull" };
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator("natter-toasts").getByText("The disk is full").waitFor();
    host.state.refuses = {};
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("No rooms yet").waitFor();
    assert.equal(await page.locator(".banner").count(), 0, "what is over is not shown");
  } },
  { name: "a full disk: sending says so, the words stay, and they go once there is room", state: "full", tell: async ({ page, host }) => {
    await open(page, "Hut weekend");
    const box = page.getByLabel("Write a message");
    host.state.refuses = { sendText: "diskFull" };
    await box.fill("Do not lose me");
    await page.keyboard.press("Enter");
    await page.locator("natter-toasts").getByText("The disk is full. Nothing was lost").waitFor();
    assert.equal(await box.inputValue(), "Do not lose me");
    host.state.refuses = {};
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".message", { hasText: "Do not lose me" }).waitFor();
    assert.equal(await box.inputValue(), "");
  } },
  { name: "an invite that does not work says why, and the next one is read", state: "full", tell: async ({ page }) => {
    await page.getByRole("button", { name: "New room or invite" }).click();
    await page.getByRole("menuitem", { name: "Join with an invite" }).click();
    const box = page.getByLabel("Paste the invite");
    for (const [text, words] of Object.entries(INVITES)) {
      await box.fill(text);
      await page.locator(".field-error", { hasText: words }).waitFor();
      assert.ok(await page.getByRole("button", { name: "Ask to join" }).isDisabled(), text);
    }
    await box.fill("natter://join#AAECAwQFBgc");
    await page.locator(".preview-card").waitFor();
    assert.equal(await page.locator(".field-error").textContent(), "");
  } },
  { name: "a knock that ended says why and what to do", state: "ended", tell: async ({ page }) => {
    for (const [progress, words] of Object.entries(KNOCKS)) {
      await page.locator(".joining", { hasText: `Room ${progress}` }).click();
      await page.locator(".join-end", { hasText: words }).getByText(/Ask (for a new one|them)/).waitFor();
      await page.keyboard.press("Escape");
      await until("closed", async () => (await page.locator("dialog").count()) === 0);
    }
  } },
  { name: "each trouble of a meeting point has words, and that nothing is lost", state: "meeting", tell: async ({ page }) => {
    await page.locator(".network-bar", { hasText: "No meeting point answers" }).click();
    const card = page.locator(".network-card");
    await card.getByText("What you write is kept on this device").waitFor();
    for (const words of MEETING) await card.locator(".broker", { hasText: words }).first().waitFor();
  } },
  { name: "no network: it says so, and that what is written goes out later", state: "full", tell: async ({ page, host }) => {
    const switchTo = (/** @type {boolean} */ onLine) => page.evaluate((on) => {
      Object.defineProperty(navigator, "onLine", { configurable: true, get: () => on });
      dispatchEvent(new Event(on ? "online" : "offline"));
    }, onLine);
    await switchTo(false);
    const bar = page.locator(".network-bar");
    // Links over a cable to the next room live on: then the people are what counts.
    await bar.getByText("Connected to").waitFor();
    host.push({ type: "network", network: { ...host.state.network, links: 0 } });
    await bar.getByText("No network").click();
    await page.locator(".network-card").getByText("What you write is kept on this device").waitFor();
    await page.keyboard.press("Escape");
    await switchTo(true);
    await bar.getByText("Looking for others").waitFor();
  } },
];
