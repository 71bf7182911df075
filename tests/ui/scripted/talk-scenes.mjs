// The screens of what can be done with a message.

/** @typedef {import("./scenes.mjs").Page} Page */

/** @param {string} room */
export const open = (room) => async (/** @type {Page} */ page) => {
  await page.locator(".room-item", { hasText: room }).first().click();
  await page.locator("natter-messages .day, natter-messages .empty").first().waitFor();
};
const workshop = open("Workshop");
/** @param {Page} page @param {string} words */
const messageOf = (page, words) => page.locator(".message", { hasText: words }).first();

/** @type {import("./scenes.mjs").Scene[]} */
export const TALK = [
  { name: "talk", state: "talk", go: workshop },
  { name: "talk-top", state: "talk", go: async (page) => {
    await workshop(page);
    await page.locator(".timeline").evaluate((e) => e.scrollTo(0, 0));
  } },
  { name: "talk-rooms", state: "talk", only: ["phone"] },
  { name: "talk-tools", state: "talk", only: ["desktop"], go: async (page) => {
    await workshop(page);
    await messageOf(page, "print the list").locator(".bubble").hover();
  } },
  { name: "talk-menu", state: "talk", go: async (page) => {
    await workshop(page);
    await messageOf(page, "print the list").locator(".para").click({ button: "right" });
    await page.getByRole("menu").waitFor();
  } },
  { name: "talk-picker", state: "talk", go: async (page) => {
    await workshop(page);
    await messageOf(page, "print the list").locator(".para").click({ button: "right" });
    await page.getByRole("button", { name: "More reactions" }).click();
    await page.locator(".picker .quick").first().waitFor();
  } },
  { name: "talk-picker-none", state: "talk", only: ["phone"], go: async (page) => {
    await workshop(page);
    await messageOf(page, "print the list").focus();
    await page.keyboard.press("+");
    await page.getByLabel("Search by name").fill("nothing of the kind");
    await page.getByText("Nothing of that name").waitFor();
  } },
  { name: "talk-edit", state: "talk", go: async (page) => {
    await workshop(page);
    await page.getByLabel("Write a message").press("ArrowUp");
    await page.locator(".answering[data-edit]").waitFor();
  } },
  { name: "talk-delete", state: "talk", only: ["phone", "desktop"], go: async (page) => {
    await workshop(page);
    await messageOf(page, "print the list").focus();
    await page.keyboard.press("Delete");
    await page.getByText("cannot be undone").waitFor();
  } },
  { name: "talk-wordings", state: "talk", go: async (page) => {
    await workshop(page);
    await messageOf(page, "print the list").locator(".edited").click();
    await page.getByText("The first wording").waitFor();
  } },
  { name: "talk-who-reacted", state: "talk", only: ["phone", "desktop"], go: async (page) => {
    await workshop(page);
    await page.locator(".reaction", { hasText: "🔥" }).click({ button: "right" });
    await page.locator(".delivery-card").waitFor();
  } },
  { name: "talk-pins", state: "talk", go: async (page) => {
    await workshop(page);
    await page.getByRole("button", { name: "Pinned messages" }).click();
    await page.locator(".pin-list").waitFor();
  } },
  { name: "talk-mention", state: "talk", go: async (page) => {
    await workshop(page);
    await page.getByLabel("Write a message").pressSequentially("Thanks @");
    await page.locator(".mention-hit").first().waitFor();
  } },
  { name: "talk-typing", state: "talk", go: async (page, host) => {
    await workshop(page);
    const where = host.state.rooms.find((/** @type {any} */ r) => r.name === "Workshop");
    for (const member of where.members.slice(1, 3)) host.push({ type: "typing", room: where.id, device: member.device });
    await page.getByText("are typing").waitFor();
  } },
  { name: "talk-unheld", state: "talk", go: async (page) => {
    await open("Island")(page);
    await page.getByText("only on this device").waitFor();
  } },
  { name: "talk-search", state: "talk", go: async (page) => {
    await workshop(page);
    await page.keyboard.press("Control+Shift+F");
    await page.getByRole("searchbox").fill("sat sha");
    await page.locator(".search mark").first().waitFor();
  } },
  { name: "talk-search-room", state: "talk", go: async (page) => {
    await open("Archive")(page);
    await page.getByRole("button", { name: "Search this room" }).click();
    await page.getByRole("searchbox").fill("bridge");
    await page.getByRole("button", { name: "Show more" }).waitFor();
  } },
  { name: "talk-search-none", state: "talk", only: ["phone", "desktop"], go: async (page) => {
    await workshop(page);
    await page.keyboard.press("Control+f");
    await page.getByRole("searchbox").fill("zeppelin");
    await page.getByText("Nothing found").waitFor();
  } },
  { name: "talk-date", state: "talk", go: async (page) => {
    await open("Archive")(page);
    await page.getByRole("button", { name: "Search this room" }).click();
    await page.getByRole("button", { name: "Jump to a date" }).click();
    await page.getByRole("textbox", { name: "Day", exact: true }).waitFor();
  } },
  { name: "talk-rtl", state: "talk", go: async (page) => {
    await page.evaluate(() => (document.documentElement.dir = "rtl"));
    await workshop(page);
    await page.locator(".timeline").evaluate((e) => e.scrollTo(0, 0));
  } },
  { name: "talk-large-text", state: "talk", only: ["phone", "desktop"], go: async (page) => {
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    await workshop(page);
    await page.locator(".timeline").evaluate((e) => e.scrollTo(0, 0));
  } },
  { name: "talk-large-search", state: "talk", only: ["phone", "desktop"], go: async (page) => {
    await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
    await workshop(page);
    await page.keyboard.press("Control+f");
    await page.getByRole("searchbox").fill("ladd");
    await page.locator(".search mark").first().waitFor();
  } },
  { name: "talk-found", state: "talk", only: ["phone", "desktop"], go: async (page) => {
    await workshop(page);
    await page.keyboard.press("Control+f");
    await page.getByRole("searchbox").fill("ladd");
    await page.locator(".search .hit", { hasText: "patience" }).click();
    await page.locator(".message[data-flash]").waitFor();
  } },
];
