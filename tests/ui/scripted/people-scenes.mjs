// The screens of who somebody really is: verified, blocked, or only of the same name.
import { NUMBER } from "./people.mjs";
import { open } from "./talk-scenes.mjs";

/** @typedef {import("./scenes.mjs").Page} Page */

const details = async (/** @type {Page} */ page, /** @type {string} */ size) => {
  if (size !== "desktop") await page.locator(".panel-toggle").click();
  await page.locator(".details-pane .member").first().waitFor({ state: "visible" });
};
/** @param {string} name */
const person = (name) => async (/** @type {Page} */ page, /** @type {unknown} */ _host, /** @type {string} */ size) => {
  await open("Book circle")(page);
  await details(page, size);
  await page.locator(".member", { hasText: name }).click();
  await page.locator(".person-card").waitFor();
};
/** @param {string} name @param {string} [code] */
const verify = (name, code) => async (/** @type {Page} */ page, /** @type {unknown} */ host, /** @type {string} */ size) => {
  await person(name)(page, host, size);
  await page.locator(".person-card").getByRole("button", { name: /Verify|Safety number/ }).click();
  await page.locator(".safety-number").waitFor();
  if (!code) return;
  await page.getByRole("dialog").getByRole("textbox").fill(code);
  await page.getByRole("button", { name: "Check" }).click();
  await page.locator(".outcome").waitFor();
};
const phoneAndDesktop = ["phone", "desktop"];

/** @type {import("./scenes.mjs").Scene[]} */
export const PEOPLE = [
  { name: "people-room", state: "people", go: open("Book circle") },
  { name: "people-details", state: "people", go: async (page, _host, size) => {
    await open("Book circle")(page);
    await details(page, size);
  } },
  { name: "people-verified", state: "people", go: person("Bea") },
  { name: "people-double", state: "people", go: person("da Quist") },
  { name: "people-blocked", state: "people", go: person("Tomás") },
  { name: "people-verify", state: "people", go: verify("da Quist") },
  { name: "people-match", state: "people", go: verify("da Quist", NUMBER) },
  { name: "people-mismatch", state: "people", go: verify("da Quist", NUMBER.replace("3", "4")) },
  { name: "people-compared", state: "people", only: phoneAndDesktop, go: verify("Bea") },
  { name: "people-bad-name", state: "people", only: phoneAndDesktop, go: verify("onerror", NUMBER.replace("3", "4")) },
  { name: "people-block-ask", state: "people", only: phoneAndDesktop, go: async (page, host, size) => {
    await person("Bea")(page, host, size);
    await page.getByRole("button", { name: "Block", exact: true }).click();
    await page.getByText("Block Bea Lindqvist?").waitFor();
  } },
  { name: "people-privacy", state: "people", only: phoneAndDesktop, go: async (page) => {
    await page.getByRole("button", { name: "Settings and profile" }).click();
    await page.getByText("Tell others that I am typing").scrollIntoViewIfNeeded();
  } },
  { name: "people-rtl", state: "people", only: phoneAndDesktop, go: async (page, host, size) => {
    await page.evaluate(() => (document.documentElement.dir = "rtl"));
    await verify("da Quist", NUMBER)(page, host, size);
  } },
  { name: "people-large-text", state: "people", only: phoneAndDesktop, go: async (page, host, size) => {
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    await verify("da Quist")(page, host, size);
  } },
];
