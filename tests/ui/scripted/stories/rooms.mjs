// First start, invites, joining, leaving, settings, and a host that went away.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { open, roomOf } from "../page.mjs";
import { NOW, bea, id, message, robin, room, text } from "../states.mjs";

/** @type {import("../page.mjs").Story[]} */
export const ROOMS = [
  { name: "first start: a name, a refused keychain, a passphrase", state: "setup", tell: async ({ page }) => {
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Enter a name first").waitFor();
    await page.getByLabel("Your name").fill("Robin");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("No keychain answers").waitFor();
    await page.getByLabel("Choose a passphrase").fill("correct horse");
    await page.getByLabel("Enter it again").fill("correct house");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("The two passphrases differ").waitFor();
    await page.getByLabel("Enter it again").fill("correct horse");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("No rooms yet").waitFor();
  } },
  { name: "unlock", state: "locked", tell: async ({ page }) => {
    await page.getByLabel("Passphrase", { exact: true }).fill("correct horse");
    await page.keyboard.press("Enter");
    await page.getByText("No rooms yet").waitFor();
  } },
  { name: "the token leaves the address, and a reload still knows it and the room", state: "full", tell: async ({ page }) => {
    await until("an address without token", () => !page.url().includes("token"));
    await open(page, "Hut weekend");
    await page.reload();
    await page.getByRole("heading", { name: "Hut weekend" }).waitFor();
  } },
  { name: "create a room, invite, copy", state: "empty", tell: async ({ page }) => {
    await page.getByRole("button", { name: "Create a room" }).click();
    await page.getByLabel("Name of the room").fill("Book circle");
    await page.keyboard.press("Enter");
    await page.getByText("The room is yours").waitFor();
    await page.getByRole("button", { name: "Invite people" }).first().click();
    await page.getByLabel("For how many").selectOption("5");
    await page.getByRole("button", { name: "Make invite" }).click();
    await page.getByText("For 5 more people").waitFor();
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^natter:\/\/join#/);
  } },
  { name: "invites that cannot be used say why", state: "empty", tell: async ({ page }) => {
    await page.getByRole("button", { name: "Join with an invite" }).click();
    for (const [link, words] of [["https://example.org", "no Natter invite"], ["hello", "0 of 8 words"], ["abandon amount liberty vote save leave winner tissue zoo", "An invite has 8 words"], ["natter://join#cut", "cut short"], ["natter://join#old", "has expired"], ["natter://join#new", "newer Natter"], ["natter://join#used", "used up"]]) {
      await page.getByLabel("Paste the invite").fill(link);
      await page.getByText(words).waitFor();
      assert.equal(await page.getByRole("button", { name: "Ask to join" }).isDisabled(), true);
    }
  } },
  { name: "joining: preview, each step in words, in", state: "empty", tell: async ({ page, host }) => {
    await page.getByRole("button", { name: "Join with an invite" }).click();
    await page.getByLabel("Paste the invite").fill("natter://join#AAEC");
    await page.getByText("You are invited to").waitFor();
    await page.getByRole("button", { name: "Ask to join" }).click();
    const join = (/** @type {string} */ progress) => host.push({ type: "join", join: { room: id("room Book circle"), roomName: "Book circle", progress, asked: null } });
    for (const [progress, words] of [["connecting", "Finding the meeting point"], ["waitingForMember", "Waiting for someone in the room"], ["waitingForApproval", "Waiting for someone to let you in"]]) {
      join(progress);
      await page.locator(".step.now", { hasText: words }).waitFor();
    }
    join("admitted");
    await until("every step done", async () => (await page.locator(".step.done").count()) === 3);
    const joined = room("Book circle", [robin, bea], [message(bea, { type: "joined", device: robin.device }, { time: NOW })], { role: "member" });
    host.state.rooms.push(joined);
    host.push({ type: "room", room: { ...joined, messages: undefined } });
    await page.getByRole("heading", { name: "Book circle", exact: true }).waitFor();
    assert.equal(await page.locator("dialog[open]").count(), 0);
  } },
  { name: "a knock can be cancelled", state: "joining", tell: async ({ page }) => {
    await page.locator(".joining", { hasText: "Waiting to be let in" }).click();
    await page.getByRole("button", { name: "Stop asking" }).click();
    await until("two knocks left", async () => (await page.locator(".joining").count()) === 2);
  } },
  { name: "let somebody in", state: "full", tell: async ({ page }) => {
    await open(page, "Climbing club");
    await page.getByRole("button", { name: "Let in", exact: true }).click();
    await until("nobody waits", async () => (await page.locator(".request").count()) === 0);
  } },
  { name: "a lost event or connection is made good by a new snapshot", state: "full", says: /WebSocket|ERR_/, tell: async ({ page, host }) => {
    await open(page, "Hut weekend");
    const hut = roomOf(host, "Hut weekend");
    const missed = text(bea, "said while you were away", { time: NOW });
    hut.messages.push(missed);
    hut.last = missed;
    host.drop();
    await page.locator(".message", { hasText: "said while you were away" }).waitFor();
    await until("no banner", async () => (await page.getByText("connection to its own engine").count()) === 0);
  } },
  { name: "leaving asks first", state: "full", tell: async ({ page, host }) => {
    await open(page, "Garden");
    await page.getByRole("button", { name: "Leave room" }).click();
    await page.getByRole("button", { name: "Cancel" }).click();
    assert.ok(roomOf(host, "Garden"));
    await page.getByRole("button", { name: "Leave room" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Leave", exact: true }).click();
    await until("gone", async () => (await page.locator(".room-item", { hasText: "Garden" }).count()) === 0);
    await page.getByText("Choose a room").waitFor();
  } },
  { name: "settings: the name, and a meeting point that cannot be used", state: "full", tell: async ({ page }) => {
    await page.getByRole("button", { name: "Settings and profile" }).click();
    await page.getByLabel("Your name").fill("Robin A.");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved. Others see it").waitFor();
    await page.getByLabel("Add a meeting point").fill("nonsense");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("This address cannot be used").waitFor();
  } },
];
