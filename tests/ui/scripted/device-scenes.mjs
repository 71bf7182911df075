// The screens of a person's own devices: linking one, being linked, taking one out.
import { request } from "./devices.mjs";
import { open } from "./talk-scenes.mjs";

/** @typedef {import("./scenes.mjs").Page} Page */
/** @typedef {import("./scenes.mjs").Host} Host */

const phoneAndDesktop = ["phone", "desktop"];
const settings = async (/** @type {Page} */ page) => {
  await page.getByRole("button", { name: "Settings and profile" }).click();
  await page.getByRole("heading", { name: "Your devices" }).scrollIntoViewIfNeeded();
};
const showCode = async (/** @type {Page} */ page) => {
  await settings(page);
  await page.getByRole("button", { name: "Link a device" }).click();
  await page.getByText("Works once, until").waitFor();
};
const useCode = async (/** @type {Page} */ page) => {
  await page.getByRole("button", { name: "Link with another device" }).click();
  await page.getByLabel("Paste the code").fill("here: natter://link#AAEC");
  await page.getByText("Go on only if you made this code yourself").waitFor();
};
/** @param {Host} host @param {string} progress */
const linking = (host, progress) => host.push({ type: "devices", devices: { ...host.state.devices, linking: progress } });

/** @type {import("./scenes.mjs").Scene[]} */
export const DEVICES = [
  { name: "devices-list", state: "devices", go: settings },
  { name: "devices-room", state: "devices", only: phoneAndDesktop, go: async (page, _host, size) => {
    await open("Kitchen")(page);
    if (size === "desktop") await page.locator(".details-pane .member").first().waitFor();
  } },
  { name: "devices-code", state: "devices", go: showCode },
  { name: "devices-asks", state: "devices", go: async (page, host) => {
    await showCode(page);
    host.push({ type: "devices", devices: { ...host.state.devices, requests: [request] } });
    await page.getByText("A device asks to be linked").waitFor();
  } },
  { name: "devices-linked", state: "devices", only: phoneAndDesktop, go: async (page, host) => {
    await showCode(page);
    host.push({ type: "devices", devices: { ...host.state.devices, requests: [request] } });
    await page.getByRole("button", { name: "Link it" }).click();
    await page.getByText("Rooms come over while both devices are on").waitFor();
  } },
  { name: "devices-unlink", state: "devices", only: phoneAndDesktop, go: async (page) => {
    await settings(page);
    await page.getByRole("button", { name: /^Unlink / }).first().click();
    await page.getByText("Unlink this device?").waitFor();
  } },
  { name: "devices-alone", state: "empty", only: phoneAndDesktop, go: settings },
  { name: "devices-use", state: "empty", go: useCode },
  { name: "devices-waiting", state: "empty", only: phoneAndDesktop, go: async (page, host) => {
    await useCode(page);
    await page.getByRole("button", { name: "Link this device" }).click();
    await page.getByText("Waiting for the other device").waitFor();
    linking(host, "waitingForApproval");
    await page.getByText("Answer on the other device").waitFor();
  } },
  { name: "devices-refused", state: "empty", only: phoneAndDesktop, go: async (page, host) => {
    await useCode(page);
    await page.getByRole("button", { name: "Link this device" }).click();
    await page.getByText("Waiting for the other device").waitFor();
    linking(host, "declined");
    await page.getByText("The other device said no").waitFor();
  } },
];
