// What people do with messages that are there, and with words that are not sent yet.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { hear, open, roomOf, toEnd } from "../page.mjs";
import { NOW, bea, message, robin, text, tomas } from "../states.mjs";

/** @typedef {import("../page.mjs").Page} Page */
/** @param {Page} page @param {string} words */
const said = (page, words) => page.locator(".message", { hasText: words }).first();
const box = (/** @type {Page} */ page) => page.getByLabel("Write a message");
/** @param {any} host @param {string} type */
const asked = (host, type) => host.asked.filter((/** @type {any} */ c) => c.type === type);

/** Everything that a stranger can write, in one string. */
const EVIL = `<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>"'\`javascript:window.hurt=1 [x](javascript:window.hurt=1) \u202eevil`;

/** @type {import("../page.mjs").Story[]} */
export const TALKING = [
  { name: "a press on a sign takes it off and puts it on, the row on top adds one, the picker finds by name", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    const message = said(page, "hang it beside the door");
    const chip = message.locator(".reaction:not(.add)").first();
    assert.equal(await chip.getAttribute("aria-pressed"), "false");
    await chip.click();
    await until("two", async () => (await chip.locator(".reaction-count").textContent()) === "2");
    assert.equal(await chip.getAttribute("aria-pressed"), "true");
    await chip.click();
    await until("one again", async () => (await chip.locator(".reaction-count").textContent()) === "1");
    await message.locator(".para").click({ button: "right" });
    await page.getByRole("button", { name: "React with 🎉" }).click();
    await message.locator(".reaction", { hasText: "🎉" }).waitFor();
    await message.focus();
    await page.keyboard.press("+");
    await page.getByLabel("Search by name").fill("rocket");
    await page.keyboard.press("Enter");
    await message.locator(".reaction", { hasText: "🚀" }).waitFor();
    assert.deepEqual(asked(host, "react").map((c) => [c.emoji, c.on]), [["👍", true], ["👍", false], ["🎉", true], ["🚀", true]]);
  } },
  { name: "arrow up in an empty composer changes the last own message; Esc leaves it, Enter saves it, the mark tells of it", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    await box(page).press("ArrowUp");
    await page.locator(".answering[data-edit]").waitFor();
    assert.equal(await box(page).inputValue(), "I will print the list and hang it beside the door.");
    await box(page).fill("never mind");
    await page.keyboard.press("Escape");
    await until("left", () => page.locator(".answering").isHidden());
    assert.equal(await box(page).inputValue(), "");
    assert.equal(asked(host, "editMessage").length, 0);
    await box(page).press("ArrowUp");
    await box(page).fill("I will print *two* lists.");
    await page.keyboard.press("Enter");
    await said(page, "I will print two lists.").locator("em").waitFor();
    assert.equal(await box(page).inputValue(), "");
    await said(page, "I will print two lists.").locator(".edited").click();
    await page.getByRole("dialog").getByText("hang it beside the door").waitFor();
    await page.getByRole("dialog").locator(".wording[aria-current]", { hasText: "two" }).waitFor();
  } },
  { name: "what was being written waits while a message is changed, and a refused change stays in the composer", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    await box(page).fill("half a thought");
    await said(page, "hang it beside the door").focus();
    await page.keyboard.press("e");
    host.state.refuses = { editMessage: "diskFull" };
    await box(page).fill("changed");
    await page.keyboard.press("Enter");
    await page.locator("natter-toasts").getByText("The disk is full").waitFor();
    assert.equal(await box(page).inputValue(), "changed");
    host.state.refuses = {};
    await page.getByRole("button", { name: "Save the change" }).click();
    await until("the thought again", async () => (await box(page).inputValue()) === "half a thought");
  } },
  { name: "deleting asks first, leaves a quiet line and nothing of the words", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    const message = said(page, "hang it beside the door");
    await message.focus();
    await page.keyboard.press("Delete");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    assert.equal(asked(host, "deleteMessage").length, 0);
    await message.focus();
    await page.keyboard.press("Delete");
    await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
    await page.locator(".message .tombstone", { hasText: "You deleted this message" }).last().waitFor();
    await until("the words gone", async () => (await page.getByText("hang it beside the door").count()) === 0);
  } },
  { name: "pinning shows it to everyone, the bar leads there and steps on, the list unpins", state: "talk", tell: async ({ page }) => {
    await open(page, "Workshop");
    await said(page, "Perfect").locator(".para").click({ button: "right" });
    await page.getByRole("menuitem", { name: "Pin for everyone" }).click();
    await page.locator(".pin-title", { hasText: "1 of 3" }).waitFor();
    const bar = page.locator(".pin-go");
    await bar.click();
    await until("the message in view", () => page.evaluate(() => document.activeElement?.matches(".message") && (document.activeElement.textContent ?? "").includes("Perfect")));
    await page.locator(".pin-title", { hasText: "2 of 3" }).waitFor();
    await page.getByRole("button", { name: "Pinned messages" }).click();
    for (let left = 3; left > 0; left--) {
      await page.locator(".pin-row").first().getByRole("button", { name: "Unpin" }).click();
      await until(`${left - 1} left`, async () => (await page.locator(".pin-row").count()) === left - 1);
    }
    await page.keyboard.press("Escape");
    await until("no bar", () => page.locator(".pins").isHidden());
  } },
  { name: "an @ offers people, Enter names one, and the place is told in UTF-16", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    await box(page).pressSequentially("😀 hello @lin");
    await page.locator(".mention-hit", { hasText: "Bea Lindqvist" }).waitFor();
    await page.keyboard.press("Enter");
    assert.equal(await box(page).inputValue(), "😀 hello @Bea Lindqvist ");
    await box(page).pressSequentially("and @zz");
    assert.equal(await page.locator(".mention-hit").count(), 0);
    await page.keyboard.press("Enter");
    await said(page, "and @zz").locator(".mention", { hasText: "@Bea Lindqvist" }).waitFor();
    assert.deepEqual(asked(host, "sendText")[0].mentions, [{ device: bea.device, start: 9, length: 14 }]);
    await box(page).pressSequentially("@to");
    await page.keyboard.press("Escape");
    await until("closed", () => page.locator(".mention-list").isHidden());
    await box(page).pressSequentially("m");
    assert.ok(await page.locator(".mention-list").isHidden(), "a refused list stays away");
  } },
  { name: "half written words are kept by the backend and are there after a new start", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Family");
    assert.equal(await box(page).inputValue(), "I would love to, but");
    await box(page).pressSequentially(" I am away");
    await until("kept", () => roomOf(host, "Family").draft === "I would love to, but I am away");
    await page.reload();
    await open(page, "Family");
    assert.equal(await box(page).inputValue(), "I would love to, but I am away");
    await box(page).press("Shift+Enter");
    await box(page).pressSequentially("and it is long");
    const tall = () => box(page).evaluate((e) => e.clientHeight);
    const lines = await tall();
    await open(page, "Workshop");
    await open(page, "Family");
    assert.equal(await tall(), lines, "words of two lines are seen whole when the room is opened again");
    await box(page).press("Enter");
    await until("forgotten", () => roomOf(host, "Family").draft === null);
  } },
  { name: "on a phone a draft of several lines is seen whole", state: "talk", size: "phone", tell: async ({ page, host }) => {
    const { messages: _m, ...view } = roomOf(host, "Family");
    host.push({ type: "room", room: { ...view, draft: "one\ntwo\nthree" } });
    await open(page, "Family");
    await until("three lines", () => box(page).evaluate((e) => /** @type {HTMLTextAreaElement} */ (e).value.includes("three") && e.clientHeight >= 80 && e.scrollHeight <= e.clientHeight));
  } },
  { name: "while words of several lines are written the newest message stays in view", state: "talk", tell: async ({ page }) => {
    await open(page, "Workshop");
    for (let i = 0; i < 4; i++) await box(page).press("Shift+Enter");
    for (const key of ["a", "b", "Backspace", "c"]) {
      await box(page).press(key);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      assert.ok((await toEnd(page)) < 2, `${await toEnd(page)} px from the end`);
    }
  } },
  { name: "who types is shown until they send, and one's own typing is told seldom and not while editing", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    const id = roomOf(host, "Workshop").id;
    host.push({ type: "typing", room: id, device: bea.device });
    await page.getByText("Bea Lindqvist is typing…").waitFor();
    hear(host, "Workshop", text(bea, "there", { time: NOW }));
    await until("no line", () => page.locator(".typing-line").isHidden());
    await box(page).pressSequentially("many keys at once");
    assert.equal(asked(host, "typing").length, 1);
  } },
  { name: "what only this device has is told, and a browser asks before it closes", state: "talk", tell: async ({ page, host }) => {
    await open(page, "Island");
    await page.getByText("Not safe to close yet: 2 messages are only on this device").waitFor();
    await box(page).click();
    const question = page.waitForEvent("dialog");
    await page.close({ runBeforeUnload: true });
    const dialog = await question;
    assert.equal(dialog.type(), "beforeunload");
    await dialog.dismiss();
    const { messages: _m, ...view } = roomOf(host, "Island");
    host.push({ type: "room", room: { ...view, unheld: 0 } });
    await until("no warning", async () => (await page.getByText("Not safe to close").count()) === 0);
    const closed = page.waitForEvent("close");
    await page.close({ runBeforeUnload: true });
    await closed;
  } },
  { name: "what strangers write is words in every place that shows it", state: "talk", tell: async ({ page, host }) => {
    const where = roomOf(host, "Workshop");
    where.members = where.members.map((/** @type {any} */ m) => (m.device === tomas.device ? { ...m, name: EVIL.slice(0, 60) } : m));
    const { messages: _m, ...view } = where;
    host.push({ type: "room", room: view });
    const evil = message(tomas, { type: "text", text: `**${EVIL}**\n> ${EVIL}\n- ${EVIL}\n\`\`\`\n${EVIL}\n\`\`\`\n@x`, mentions: [{ device: tomas.device, start: 2, length: 4 }, { device: EVIL, start: 1e9, length: -1 }] }, { time: NOW, edited: NOW, pinned: true, reactions: [{ emoji: EVIL.slice(0, 40), by: [tomas.device, EVIL], own: false }] });
    host.state.wordings = { [evil.id]: [{ text: EVIL, mentions: [{ device: EVIL, start: 0, length: 3 }], time: NOW }, { text: EVIL, mentions: [], time: NOW }] };
    await open(page, "Workshop");
    hear(host, "Workshop", evil);
    host.push({ type: "typing", room: where.id, device: tomas.device });
    const row = page.locator(`[data-message="${evil.id}"]`);
    await row.waitFor();
    await row.locator(".edited").click();
    await page.locator(".wording").first().waitFor();
    await page.keyboard.press("Escape");
    await row.locator(".reaction:not(.add)").click({ button: "right" });
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Pinned messages" }).click();
    await page.keyboard.press("Escape");
    await box(page).fill(EVIL);
    await box(page).pressSequentially(" @<img");
    await page.locator(".mention-hit").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Control+f");
    await page.getByRole("searchbox").fill("onerror");
    await page.locator(".search mark").first().waitFor();
    assert.deepEqual(await page.evaluate(() => [/** @type {any} */ (window).hurt, document.querySelectorAll("img[src='x'], body script, [onerror], a[href^='javascript']").length]), [undefined, 0]);
    assert.equal(host.asked.some((c) => c.type === "react" && c.device === robin.device), false);
  } },
  { name: "on a phone a long press on a sign says who, and does not toggle it", state: "talk", size: "phone", tell: async ({ page, host }) => {
    await open(page, "Workshop");
    const at = await page.locator(".reaction", { hasText: "🔥" }).boundingBox();
    const input = await page.context().newCDPSession(page);
    const touchPoints = [{ x: Math.round((at?.x ?? 0) + 20), y: Math.round((at?.y ?? 0) + 20) }];
    await input.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints });
    await page.locator(".delivery-card").getByText("Bea Lindqvist").waitFor();
    await input.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    assert.equal(asked(host, "react").length, 0);
    assert.ok(await page.locator(".delivery-card").isVisible());
  } },
];
