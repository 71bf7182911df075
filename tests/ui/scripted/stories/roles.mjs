// Who may do what in a room, and what each is offered.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { open, roomOf } from "../page.mjs";
import { tomas } from "../states.mjs";

/** @typedef {import("../page.mjs").Page} Page */
/** @param {Page} page @param {string} name */
const person = async (page, name) => {
  await page.locator(".details-pane .member", { hasText: name }).click();
  await page.locator(".person-card").waitFor();
};
/** @param {any} host @param {string} type */
const asked = (host, type) => host.asked.filter((/** @type {any} */ c) => c.type === type);

/** @type {import("../page.mjs").Story[]} */
export const ROLES = [
  { name: "an admin makes a member a guest at once, and an admin after a question", state: "roles", tell: async ({ page, host }) => {
    await open(page, "Climbing club");
    await person(page, "Tomás");
    assert.equal(await page.locator(".person-card [aria-pressed='true']").textContent(), "Member");
    await page.getByRole("button", { name: "Guest", exact: true }).click();
    await page.locator(".system-line", { hasText: "You made Tomás a guest" }).waitFor();
    await page.locator(".member", { hasText: "Tomás" }).locator(".role", { hasText: "Guest" }).waitFor();
    await person(page, "Tomás");
    await page.getByRole("button", { name: "Admin", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.deepEqual(asked(host, "setRole").map((c) => c.role), ["guest"]);
    await person(page, "Tomás");
    await page.getByRole("button", { name: "Admin", exact: true }).click();
    await page.getByRole("button", { name: "Make admin" }).click();
    await page.locator(".system-line", { hasText: "You made Tomás an admin" }).waitFor();
    assert.deepEqual(asked(host, "setRole").map((c) => [c.device, c.role]), [[tomas.device, "guest"], [tomas.device, "admin"]]);
  } },
  { name: "removing asks first; whoever is removed is gone from the list, and their words keep their name", state: "roles", tell: async ({ page, host }) => {
    await open(page, "Climbing club");
    await person(page, "Tomás");
    await page.getByRole("button", { name: "Remove from the room" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal(asked(host, "removeMember").length, 0);
    await person(page, "Tomás");
    await page.getByRole("button", { name: "Remove from the room" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove", exact: true }).click();
    await page.locator(".system-line", { hasText: "You removed Tomás" }).waitFor();
    await until("off the list", async () => (await page.locator(".member", { hasText: "Tomás" }).count()) === 0);
    assert.equal(await page.locator(".message", { hasText: "What happened to Dov" }).locator(".author").textContent(), "Tomás");
  } },
  { name: "nobody is offered what they may not do", state: "roles", tell: async ({ page }) => {
    await open(page, "Climbing club");
    await person(page, "Robin Ashdown");
    assert.equal(await page.locator(".person-card .roles").count(), 0, "nobody changes their own role");
    await page.keyboard.press("Escape");
    await open(page, "Visiting");
    await person(page, "Tomás");
    assert.equal(await page.locator(".person-card .roles").count(), 0, "a guest manages nobody");
    await page.keyboard.press("Escape");
    for (const name of ["Invite people", "Change the room"]) assert.equal(await page.getByRole("button", { name }).count(), 0, name);
    await page.locator(".message", { hasText: "look around" }).focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.getByRole("menuitem", { name: "Delete" }).count(), 0);
    await page.keyboard.press("Escape");
    await open(page, "Book circle");
    await page.locator(".room-head").getByRole("button", { name: "Invite people" }).click();
    assert.ok(await page.getByRole("switch").isDisabled(), "who is no admin leaves the yes to one");
  } },
  { name: "an admin changes the room: only what differs is said, in the room too", state: "roles", tell: async ({ page, host }) => {
    await open(page, "Climbing club");
    const edit = () => page.getByRole("button", { name: "Change the room" }).click();
    await edit();
    await page.getByLabel("Name of the room").fill("  ");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Enter a name for the room first").waitFor();
    await page.getByLabel("Name of the room").fill("North face");
    await page.getByRole("combobox", { name: "New messages" }).selectOption({ label: "Stay" });
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("heading", { name: "North face" }).waitFor();
    await page.locator(".system-line", { hasText: "You set new messages to stay" }).waitFor();
    assert.ok(await page.locator(".head-lives").isHidden());
    const { id } = roomOf(host, "North face");
    assert.deepEqual(asked(host, "setRoom"), [{ type: "setRoom", room: id, name: "North face", lives: 0 }]);
    await edit();
    await page.getByLabel("What it is for").fill("é".repeat(600));
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("That is too long").waitFor();
    host.state.refuses = { setRoom: "notAllowed" };
    await page.getByLabel("What it is for").fill("<b>words</b>");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Your role in this room does not allow that").waitFor();
    host.state.refuses = {};
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".details-about", { hasText: "<b>words</b>" }).waitFor();
  } },
  { name: "an invite says as what people come in", state: "roles", tell: async ({ page, host }) => {
    await open(page, "Climbing club");
    await page.locator(".room-head").getByRole("button", { name: "Invite people" }).click();
    await page.getByLabel("They come in as").selectOption("guest");
    await page.getByRole("button", { name: "Make invite" }).click();
    await page.getByRole("dialog").getByText("as a guest").waitFor();
    assert.equal(asked(host, "createInvite")[0].role, "guest");
  } },
];
