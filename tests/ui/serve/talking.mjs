// What two people do with each other's messages, between two real nodes.
import assert from "node:assert/strict";
import { until } from "../browser.mjs";

/** @typedef {import("playwright-core").Page} Page */
const LONG_MS = 30_000;

/** @param {Page} page @param {string} text */
const said = (page, text) => page.locator(".message", { hasText: text }).first();
const box = (/** @type {Page} */ page) => page.getByLabel("Write a message");

/** The menu of a message. @param {Page} page @param {string} text @param {string} item */
async function choose(page, text, item) {
  await said(page, text).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: item }).click();
}

/** @type {[string, (alice: Page, bob: Page) => Promise<void>][]} alice founded the room, both are in it */
export const TALKING = [
  ["typing is seen while it lasts", async (alice, bob) => {
    await box(bob).pressSequentially("The kettle sings");
    await alice.getByText("Bob Brandt is typing…").waitFor({ timeout: LONG_MS });
    await bob.keyboard.press("Enter");
    await said(alice, "The kettle sings").waitFor({ timeout: LONG_MS });
    await until("no more typing", () => alice.locator(".typing-line").isHidden());
  }],
  ["a sign goes on and off", async (alice, bob) => {
    await said(bob, "Is the kettle on?").focus();
    await bob.keyboard.press("Enter");
    await bob.getByRole("button", { name: "React with 🎉" }).click();
    const chip = said(alice, "Is the kettle on?").locator(".reaction", { hasText: "🎉" });
    await chip.waitFor({ timeout: LONG_MS });
    assert.equal(await chip.getAttribute("title"), "🎉 from Bob Brandt");
    await chip.click();
    await until("two signs", async () => (await said(bob, "Is the kettle on?").locator(".reaction-count").first().textContent()) === "2", LONG_MS);
    await said(bob, "Is the kettle on?").locator(".reaction", { hasText: "🎉" }).click();
    await until("one sign", async () => (await chip.locator(".reaction-count").textContent()) === "1", LONG_MS);
  }],
  ["a change is seen, and what it said before", async (alice, bob) => {
    await said(alice, "Is the kettle on?").focus();
    await alice.keyboard.press("e");
    await box(alice).fill("Is the *big* kettle on?");
    await box(alice).press("Enter");
    await said(bob, "Is the big kettle on?").locator("em").waitFor({ timeout: LONG_MS });
    await said(bob, "Is the big kettle on?").locator(".edited").click();
    await bob.getByRole("dialog").getByText("Is the kettle on?").waitFor();
    await bob.keyboard.press("Escape");
  }],
  ["a name in a message is a name, and stands out for whom it names", async (alice, bob) => {
    await box(alice).pressSequentially("😀 @bo");
    await alice.locator(".mention-hit", { hasText: "Bob Brandt" }).waitFor();
    await box(alice).press("Enter");
    await box(alice).pressSequentially("look");
    await box(alice).press("Enter");
    const row = said(bob, "look");
    await row.locator(".mention[data-me]").waitFor({ timeout: LONG_MS });
    assert.equal(await row.locator(".mention").textContent(), "@Bob Brandt");
    assert.notEqual(await row.getAttribute("data-names-me"), null);
  }],
  ["a pin is seen by both", async (alice, bob) => {
    await choose(bob, "Is the big kettle on?", "Pin for everyone");
    await alice.locator(".pin-words", { hasText: "Is the big kettle on?" }).waitFor({ timeout: LONG_MS });
  }],
  ["a search finds the last wording and leads there", async (_alice, bob) => {
    await bob.getByRole("button", { name: "Search this room" }).click();
    await bob.getByRole("searchbox").fill("kett BIG");
    await bob.locator(".search mark").first().waitFor();
    await bob.locator(".search .hit").first().click();
    await until("the message", () => bob.evaluate(() => document.activeElement?.matches(".message") && (document.activeElement.textContent ?? "").includes("big kettle")));
  }],
  ["the beginning of the room can be jumped to", async (_alice, bob) => {
    await bob.getByRole("button", { name: "Search this room" }).click();
    await bob.getByRole("button", { name: "Jump to a date" }).click();
    await bob.getByRole("button", { name: "The beginning" }).click();
    await until("the beginning", async () => (await bob.locator("dialog").count()) === 0 && (await bob.locator("natter-toasts .toast.bad").count()) === 0);
  }],
  ["half written words outlive a reload", async (_alice, bob) => {
    await box(bob).fill("half a thought");
    await until("kept", () => bob.evaluate(async () => (await import(`${location.origin}/stores/app.js`)).app.state.value.rooms[0].draft === "half a thought"));
    await bob.reload();
    await bob.getByRole("heading", { name: "Kitchen", exact: true }).waitFor();
    await until("the draft", async () => (await box(bob).inputValue()) === "half a thought");
    await box(bob).fill("");
  }],
  ["what is deleted is gone on both sides", async (alice, bob) => {
    await choose(alice, "The kettle sings", "Delete for everyone");
    await alice.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
    await bob.locator(".tombstone", { hasText: "Alice Aldridge deleted this message" }).waitFor({ timeout: LONG_MS });
    assert.equal(await bob.getByText("The kettle sings").count(), 0);
  }],
];

/** @param {Page} page @param {(page: Page) => Promise<void>} act */
export async function inDetails(page, act) {
  const phone = (page.viewportSize()?.width ?? 0) < 700;
  if (phone) await page.locator(".panel-toggle").click();
  await act(page);
  if (phone) await page.getByRole("button", { name: "Close details" }).click();
}

/** @type {typeof TALKING} */
export const ROLES = [
  ["a guest is not offered to invite", async (alice, bob) => {
    await inDetails(alice, async () => {
      await alice.locator(".member", { hasText: "Bob Brandt" }).click();
      await alice.locator(".person-card").getByRole("button", { name: "Guest", exact: true }).click();
    });
    await bob.locator(".system-line", { hasText: "Alice Aldridge made you a guest" }).waitFor({ timeout: LONG_MS });
    await until("no invite", async () => (await bob.locator(".head-invite:visible").count()) === 0);
  }],
  ["the room's name and how long messages live are changed for both", async (alice, bob) => {
    await inDetails(alice, async () => {
      await alice.getByRole("button", { name: "Change the room" }).click();
      await alice.getByLabel("Name of the room").fill("Large kitchen");
      await alice.getByRole("combobox", { name: "New messages" }).selectOption({ label: "1 week" });
      await alice.getByRole("button", { name: "Save" }).click();
      await until("closed", async () => (await alice.locator("dialog").count()) === 0);
    });
    await bob.getByRole("heading", { name: "Large kitchen", exact: true }).waitFor({ timeout: LONG_MS });
    // Where there is no room for it in the head, the details say it.
    await bob.locator(".head-lives").waitFor({ state: "attached" });
    await box(alice).fill("This one goes");
    await box(alice).press("Enter");
    await said(bob, "This one goes").locator(".goes").waitFor({ timeout: LONG_MS });
  }],
  ["whoever is removed is told, and reads what was there", async (alice, bob) => {
    await inDetails(alice, async () => {
      await alice.locator(".member", { hasText: "Bob Brandt" }).click();
      await alice.getByRole("button", { name: "Remove from the room" }).click();
      await alice.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
      await until("off the list", async () => (await alice.locator(".member", { hasText: "Bob Brandt" }).count()) === 0);
    });
    await bob.getByText("You are no longer in this room. What was written").waitFor({ timeout: LONG_MS });
    await said(bob, "This one goes").waitFor();
  }],
];
