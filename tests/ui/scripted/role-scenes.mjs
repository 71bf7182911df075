// The screens of who may do what.
import { open } from "./talk-scenes.mjs";

/** @typedef {import("./scenes.mjs").Page} Page */

const details = async (/** @type {Page} */ page, /** @type {string} */ size) => {
  if (size !== "desktop") await page.locator(".panel-toggle").click();
  await page.locator(".details-pane .member").first().waitFor({ state: "visible" });
};
/** @param {string} room @param {string} name */
const person = (room, name) => async (/** @type {Page} */ page, /** @type {unknown} */ _host, /** @type {string} */ size) => {
  await open(room)(page);
  await details(page, size);
  await page.locator(".member", { hasText: name }).click();
  await page.locator(".person-card").waitFor();
};

/** @type {import("./scenes.mjs").Scene[]} */
export const ROLES = [
  { name: "roles-room", state: "roles", go: open("Climbing club") },
  { name: "roles-details", state: "roles", go: async (page, _host, size) => {
    await open("Climbing club")(page);
    await details(page, size);
  } },
  { name: "roles-member", state: "roles", go: person("Climbing club", "Tomás") },
  { name: "roles-founder", state: "roles", only: ["phone", "desktop"], go: person("Visiting", "Bea") },
  { name: "roles-admin-ask", state: "roles", only: ["phone", "desktop"], go: async (page, host, size) => {
    await person("Climbing club", "Tomás")(page, host, size);
    await page.getByRole("button", { name: "Admin", exact: true }).click();
    await page.getByText("Make Tomás an admin?").waitFor();
  } },
  { name: "roles-remove-ask", state: "roles", only: ["phone", "desktop"], go: async (page, host, size) => {
    await person("Climbing club", "Tomás")(page, host, size);
    await page.getByRole("button", { name: "Remove from the room" }).click();
    await page.getByText("Remove Tomás from").waitFor();
  } },
  { name: "roles-edit", state: "roles", go: async (page, _host, size) => {
    await open("Climbing club")(page);
    await details(page, size);
    await page.getByRole("button", { name: "Change the room" }).click();
    await page.getByLabel("What it is for").waitFor();
  } },
  { name: "roles-guest", state: "roles", only: ["phone", "desktop"], go: async (page, _host, size) => {
    await open("Visiting")(page);
    await details(page, size);
  } },
  { name: "roles-invite", state: "roles", only: ["phone", "desktop"], go: async (page, _host, size) => {
    await open("Book circle")(page);
    await details(page, size);
    await page.locator(".details-pane").getByRole("button", { name: "Invite people" }).click();
    await page.getByText("They come in as").waitFor();
  } },
];
