// Two people make sure of each other, and stop hearing each other, between two real nodes.
import assert from "node:assert/strict";
import { until } from "../browser.mjs";
import { inDetails } from "./talking.mjs";

/** @typedef {import("playwright-core").Page} Page */
const LONG_MS = 30_000;

/** Opens the dialog with the number about somebody, does something in it, and closes it. @param {Page} page @param {string} name @param {(dialog: import("playwright-core").Locator) => Promise<void>} act */
const compare = (page, name, act) => inDetails(page, async () => {
  await page.locator(".member", { hasText: name }).click();
  await page.locator(".person-card").getByRole("button", { name: /Verify|Safety number/ }).click();
  await page.locator(".safety-number").waitFor();
  await act(page.locator("dialog"));
  await page.locator("dialog").getByRole("button", { name: "Close" }).click();
  await until("closed", async () => (await page.locator("dialog").count()) === 0);
});
const number = (/** @type {import("playwright-core").Locator} */ dialog) => dialog.locator(".safety-number").innerText().then((text) => text.replace(/\s+/g, " ").trim());

/** @type {[string, (alice: Page, bob: Page) => Promise<void>][]} */
export const PEOPLE = [
  ["both see one number; the code that one shows verifies them for the other", async (alice, bob) => {
    let code = "", mine = "";
    await compare(bob, "Alice Aldridge", async (dialog) => {
      mine = await number(dialog);
      await until("the QR code", () => dialog.locator(".qr img").evaluate((e) => /** @type {HTMLImageElement} */ (e).naturalWidth > 0));
      await bob.evaluate(() => Object.defineProperty(navigator.clipboard, "writeText", { configurable: true, value: async (/** @type {string} */ text) => void (document.documentElement.dataset.copied = text) }));
      await dialog.getByRole("button", { name: "Copy code" }).click();
      await until("copied", async () => (code = (await bob.locator("html").getAttribute("data-copied")) ?? ""));
    });
    await compare(alice, "Bob Brandt", async (dialog) => {
      assert.equal(await number(dialog), mine);
      const say = async (/** @type {string} */ text) => {
        await dialog.getByRole("textbox").fill(text);
        await dialog.getByRole("button", { name: "Check" }).click();
      };
      await say("hello");
      await dialog.getByText("This is no code").waitFor();
      await say(code.replace(/\d$/, (digit) => String((Number(digit) + 1) % 10)));
      await dialog.getByText("It does not match").waitFor();
      await say(`My code: ${code}`);
      await dialog.locator(".outcome.good").waitFor({ timeout: LONG_MS });
    });
    await alice.locator(".message", { hasText: "It is. مرحبا" }).locator(".verified-mark").waitFor({ state: "attached" });
    assert.equal(await bob.locator(".verified-mark").count(), 0, "one's own word only");
  }],
  ["who is blocked is not seen until unblocked", async (alice, bob) => {
    const words = alice.locator(".message", { hasText: "It is. مرحبا" });
    await inDetails(alice, async () => {
      await alice.locator(".member", { hasText: "Bob Brandt" }).click();
      await alice.getByRole("button", { name: "Block", exact: true }).click();
      await alice.getByRole("dialog").getByRole("button", { name: "Block", exact: true }).click();
      await alice.locator(".member", { hasText: "Blocked" }).waitFor({ timeout: LONG_MS });
    });
    await until("hidden", async () => (await words.count()) === 0, LONG_MS);
    await inDetails(alice, async () => {
      await alice.locator(".member", { hasText: "Bob Brandt" }).click();
      await alice.getByRole("button", { name: "Unblock" }).click();
    });
    await words.waitFor({ timeout: LONG_MS });
    assert.equal(await bob.locator(".tag").count(), 0);
  }],
];
