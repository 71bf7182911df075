// How to reach each screen from a state of the scripted backend.
import { DEVICES } from "./device-scenes.mjs";
import { PEOPLE } from "./people-scenes.mjs";
import { ROLES } from "./role-scenes.mjs";
import { TALK, open } from "./talk-scenes.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {Awaited<ReturnType<typeof import("../scripted.mjs").serve>>} Host */
/** @typedef {{name: string, state: string, only?: string[], says?: RegExp, go?: (page: Page, host: Host, size: string) => Promise<unknown>}} Scene */

const details = async (/** @type {Page} */ page, /** @type {string} */ size) => {
  if (size !== "desktop") await page.locator(".panel-toggle").click();
  await page.locator(".details-pane .member").first().waitFor({ state: "visible" });
};
const add = async (/** @type {Page} */ page, /** @type {string} */ item) => {
  await page.getByRole("button", { name: "New room or invite" }).click();
  await page.getByRole("menuitem", { name: item }).click();
};
const paste = async (/** @type {Page} */ page, /** @type {string} */ text) => {
  await add(page, "Join with an invite");
  await page.getByLabel("Paste the invite").fill(text);
};

/** @type {Scene[]} */
export const SCENES = [
  ...TALK,
  ...ROLES,
  ...PEOPLE,
  ...DEVICES,
  { name: "setup", state: "setup" },
  { name: "setup-passphrase", state: "setup", go: async (page) => {
    await page.getByLabel("Your name").fill("Robin Ashdown");
    await page.getByLabel("With a passphrase").check();
    await page.getByLabel("Choose a passphrase").fill("short");
    await page.getByRole("button", { name: "Start" }).click();
  } },
  { name: "setup-unprotected", state: "setup", go: (page) => page.getByLabel("Leave it unprotected").check() },
  { name: "unlock", state: "locked", go: async (page) => {
    await page.getByLabel("Passphrase", { exact: true }).fill("wrong one");
    await page.getByRole("button", { name: "Unlock" }).click();
    await page.getByText("That is not the passphrase").waitFor();
  } },
  { name: "broken", state: "broken", go: (page) => page.getByText("cannot be read").waitFor() },
  { name: "empty", state: "empty" },
  { name: "alone", state: "alone", go: open("Garden") },
  { name: "rooms", state: "full" },
  { name: "room", state: "full", go: open("Hut weekend") },
  { name: "room-top", state: "full", go: async (page) => {
    await open("Hut weekend")(page);
    await page.locator(".timeline").evaluate((e) => e.scrollTo(0, 0));
  } },
  { name: "pictures", state: "full", go: open("Pictures") },
  { name: "pictures-top", state: "full", go: async (page) => {
    await open("Pictures")(page);
    await page.locator(".timeline").evaluate((e) => e.scrollTo(0, 0));
  } },
  { name: "extremes", state: "full", go: open("Die Gesellschaft") },
  { name: "extremes-top", state: "full", go: async (page) => {
    await open("Die Gesellschaft")(page);
    await page.locator(".timeline").evaluate((e) => e.scrollTo(0, 0));
  } },
  { name: "unread", state: "full", go: open("Archive") },
  { name: "knock", state: "full", go: open("Climbing club") },
  { name: "gone", state: "full", go: open("Old flat") },
  { name: "details", state: "full", go: async (page, _host, size) => {
    await open("Hut weekend")(page);
    await details(page, size);
  } },
  { name: "person", state: "full", go: async (page, _host, size) => {
    await open("Hut weekend")(page);
    await details(page, size);
    await page.locator(".member", { hasText: "Bea" }).click();
    await page.locator(".person-card").waitFor();
  } },
  { name: "delivery", state: "full", go: async (page) => {
    await open("Hut weekend")(page);
    await page.locator(".message", { hasText: "carriage 5" }).locator(".delivery").click();
    await page.locator(".delivery-card").waitFor();
  } },
  { name: "message-menu", state: "full", go: async (page) => {
    await open("Hut weekend")(page);
    await page.locator(".message", { hasText: "I vote early" }).click({ button: "right" });
    await page.getByRole("menu").waitFor();
  } },
  { name: "reply", state: "full", go: async (page) => {
    await open("Hut weekend")(page);
    await page.locator(".message", { hasText: "I vote early" }).focus();
    await page.keyboard.press("r");
    await page.getByLabel("Write a message").fill("Me too.\nSee you at the station.");
  } },
  { name: "staged", state: "full", go: async (page) => {
    await open("Hut weekend")(page);
    const png = Buffer.from(await (await page.request.get(new URL("/media/blob/900x600/200", page.url()).href)).body());
    await page.locator("natter-composer input[type=file]").setInputFiles([{ name: "one.png", mimeType: "image/png", buffer: png }, { name: "two.png", mimeType: "image/png", buffer: png }]);
    await page.locator(".staged-note .icon").first().waitFor();
  } },
  { name: "lightbox", state: "full", go: async (page) => {
    await open("Hut weekend")(page);
    await page.locator(".picture-frame").first().click();
    await page.locator(".lightbox[open]").waitFor();
  } },
  { name: "link", state: "full", go: async (page) => {
    await open("Die Gesellschaft")(page);
    await page.locator(".message .link").first().click();
    await page.getByText("other letters").waitFor();
  } },
  { name: "add-menu", state: "full", go: (page) => page.getByRole("button", { name: "New room or invite" }).click() },
  { name: "create-room", state: "full", go: (page) => add(page, "Create a room") },
  { name: "invite-terms", state: "alone", go: async (page) => {
    await open("Garden")(page);
    await page.locator(".empty").getByRole("button", { name: "Invite people" }).click();
  } },
  { name: "invite-ready", state: "alone", go: async (page) => {
    await open("Garden")(page);
    await page.locator(".empty").getByRole("button", { name: "Invite people" }).click();
    await page.getByRole("button", { name: "Make invite" }).click();
    await page.getByLabel("Invite link").waitFor();
  } },
  { name: "join-preview", state: "full", go: async (page) => {
    await paste(page, "Come join us! natter://join#AAECAwQFBgc see you");
    await page.locator(".preview-card").waitFor();
  } },
  { name: "join-cut", state: "full", go: async (page) => {
    await paste(page, "natter://join#cut");
    await page.getByText("cut short").waitFor();
  } },
  { name: "join-words", state: "full", go: async (page) => {
    await paste(page, "Aban amount liberty natter vote");
    await page.getByText("4 of 8 words").waitFor();
  } },
  { name: "join-words-misheard", state: "full", go: async (page) => {
    await paste(page, "amount abandon liberty vote save leave winner tissue");
    await page.getByText("do not belong together").waitFor();
  } },
  { name: "join-words-whole", state: "full", go: async (page) => {
    await paste(page, "abandon amount liberty vote save leave winner tissue");
    await page.getByText("All 8 words are right").waitFor();
  } },
  { name: "joining", state: "joining" },
  { name: "join-asking", state: "wording", go: (page) => page.locator(".joining").click() },
  { name: "join-progress", state: "joining", go: (page) => page.locator(".joining", { hasText: "let in…" }).click() },
  { name: "join-declined", state: "joining", go: (page) => page.locator(".joining", { hasText: "Not let in" }).click() },
  { name: "settings", state: "troubles", go: (page) => page.getByRole("button", { name: "Settings and profile" }).click() },
  { name: "network", state: "offline", go: (page) => page.locator(".network-bar").click() },
  { name: "connections", state: "full", go: async (page) => {
    await page.locator(".network-bar").click();
    await page.getByRole("button", { name: "Change meeting points" }).click();
  } },
  { name: "meeting-points", state: "meeting", only: ["phone", "desktop"], go: (page) => page.locator(".network-bar").click() },
  { name: "offline", state: "offline", go: open("Hut weekend") },
  { name: "troubles", state: "troubles", go: open("Hut weekend") },
  { name: "lost", state: "full", says: /WebSocket|ERR_CONNECTION|preload/, go: async (page, host) => {
    await open("Hut weekend")(page);
    await host.close();
    await page.getByText("connection to its own engine is gone").waitFor();
  } },
  { name: "jump", state: "full", only: ["phone", "desktop"], go: async (page) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("b");
  } },
  { name: "shortcuts", state: "full", only: ["desktop"], go: (page) => page.keyboard.press("?") },
  { name: "rtl", state: "full", go: async (page) => {
    await page.evaluate(() => (document.documentElement.dir = "rtl"));
    await open("Hut weekend")(page);
  } },
  { name: "large-text", state: "full", go: async (page) => {
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    await open("Hut weekend")(page);
  } },
];
