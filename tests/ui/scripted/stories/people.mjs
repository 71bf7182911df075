// Verifying, blocking, telling apart, and keeping to oneself what one reads.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { open, roomOf } from "../page.mjs";
import { BAD_NAME, NUMBER, codeOf } from "../people.mjs";
import { bea, tomas } from "../states.mjs";

/** @typedef {import("../page.mjs").Page} Page */
const person = async (/** @type {Page} */ page, /** @type {string} */ name) => {
  await page.locator(".details-pane .member", { hasText: name }).click();
  await page.locator(".person-card").waitFor();
};
/** @param {any} host @param {string} type */
const asked = (host, type) => host.asked.filter((/** @type {any} */ c) => c.type === type);

/** @type {import("../page.mjs").Story[]} */
export const PEOPLE = [
  { name: "people: a code is checked: no code, the wrong one, the right one; then it can be taken back", state: "people", tell: async ({ page, host }) => {
    await open(page, "Book circle");
    const other = roomOf(host, "Book circle").members.find((/** @type {any} */ m) => m.name === "Аda Quist");
    await page.locator(".system-loud", { hasText: "another key than the Ada Quist" }).getByRole("button").click();
    await page.locator(".person-card .doubt").waitFor();
    await page.locator(".person-card").getByRole("button", { name: "Verify" }).click();
    const dialog = page.getByRole("dialog");
    const box = dialog.getByRole("textbox");
    assert.equal((await page.locator(".safety-number").innerText()).replace(/\s+/g, " ").trim(), NUMBER);
    await dialog.getByRole("button", { name: "Check" }).click();
    await dialog.getByText("Enter their code or number first").waitFor();
    await box.fill("hello");
    await dialog.getByRole("button", { name: "Check" }).click();
    await dialog.getByText("This is no code").waitFor();
    await box.fill(NUMBER.replace("3", "4"));
    await dialog.getByRole("button", { name: "Check" }).click();
    await dialog.getByRole("alert").getByText("It does not match").waitFor();
    await box.fill(`Here it is: ${codeOf(other.device)} bye`);
    await dialog.getByRole("button", { name: "Check" }).click();
    await dialog.locator(".outcome.good", { hasText: "Verified" }).waitFor();
    assert.equal(asked(host, "verify").at(-1).code, codeOf(other.device));
    await until("no warning any more", async () => (await page.locator(".system-loud", { hasText: "Ada" }).count()) === 0);
    await page.locator(".message", { hasText: "it is me" }).locator(".verified-mark").waitFor();
    await dialog.getByRole("button", { name: "Not verified any more" }).click();
    await dialog.getByRole("button", { name: "it is the same" }).click();
    await dialog.getByText("You compared this number").waitFor();
    assert.deepEqual(asked(host, "setVerified").map((c) => c.on), [false, true]);
  } },
  { name: "people: who signed two histories is marked, and the card says what that means", state: "people", tell: async ({ page }) => {
    await open(page, "Book circle");
    const tagged = page.locator(".details-pane .member", { has: page.locator(".tag", { hasText: "Two histories" }) });
    assert.equal(await tagged.count(), 1);
    await tagged.click();
    await page.locator(".person-card .doubt", { hasText: "two different messages for one place" }).waitFor();
  } },
  { name: "people: blocking asks, hides at once and comes back", state: "people", tell: async ({ page, host }) => {
    await open(page, "Book circle");
    await page.locator(".message", { hasText: "read it twice" }).waitFor();
    await person(page, "Bea");
    await page.getByRole("button", { name: "Block", exact: true }).click();
    await page.getByText("they are not told").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal(asked(host, "setBlocked").length, 0);
    await person(page, "Bea");
    await page.getByRole("button", { name: "Block", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Block", exact: true }).click();
    await page.locator(".member", { hasText: "Bea" }).locator(".tag", { hasText: "Blocked" }).waitFor();
    await until("hidden", async () => (await page.locator(".message", { hasText: "read it twice" }).count()) === 0);
    await person(page, "Tomás");
    await page.getByRole("button", { name: "Unblock" }).click();
    await page.locator(".message", { hasText: "Nobody who blocked me" }).waitFor();
    assert.deepEqual(asked(host, "setBlocked").map((c) => [c.device, c.on]), [[bea.device, true], [tomas.device, false]]);
  } },
  { name: "people: a name that is markup is only a name", state: "people", says: /never/, tell: async ({ page }) => {
    await open(page, "Book circle");
    await person(page, "onerror");
    assert.equal(await page.locator(".person-card h2").textContent(), BAD_NAME);
    await page.locator(".person-card").getByRole("button", { name: "Verify" }).click();
    await page.locator(".safety-number").waitFor();
    assert.equal(await page.locator('img[src="x"]').count(), 0);
  } },
  { name: "people: what others are told is set at once, and a refusal puts the switch back", state: "people", tell: async ({ page, host }) => {
    await page.getByRole("button", { name: "Settings and profile" }).click();
    const read = page.getByRole("switch", { name: "how far I have read" });
    await read.click();
    await until("told", () => asked(host, "setPrivacy").length === 1);
    assert.deepEqual(asked(host, "setPrivacy"), [{ type: "setPrivacy", receipts: false, typing: true }]);
    host.state.refuses = { setPrivacy: "diskFull" };
    await page.getByRole("switch", { name: "typing" }).click();
    await page.getByText("The disk is full").waitFor();
    await until("back", () => page.getByRole("switch", { name: "typing" }).isChecked());
    assert.equal(await read.isChecked(), false);
  } },
];
