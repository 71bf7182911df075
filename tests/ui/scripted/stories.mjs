import assert from "node:assert/strict";
import { firstSeen, toEnd, top, until } from "./behaviours.mjs";
import { NOW, bea, id, message, robin, room, text } from "./states.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {Awaited<ReturnType<typeof import("../scripted.mjs").serve>>} Host */
/** @typedef {{name: string, state: string, size?: "phone" | "tablet" | "desktop", says?: RegExp, tell: (given: {page: Page, host: Host}) => Promise<void>}} Story */

/** @param {Page} page @param {string} name */
async function open(page, name) {
  await page.locator(".room-item", { hasText: name }).first().click();
  await page.locator("natter-messages .day").first().waitFor();
}
/** @param {Host} host @param {string} name */
const roomOf = (host, name) => host.state.rooms.find((/** @type {any} */ r) => r.name === name);
/** Somebody else says something. @param {Host} host @param {string} name @param {any} said */
function hear(host, name, said) {
  const where = roomOf(host, name);
  where.messages.push(said);
  host.push({ type: "message", room: where.id, message: said });
  const { messages: _m, ...view } = { ...where, last: said, unread: where.unread + 1, firstUnread: where.firstUnread ?? said.id };
  host.push({ type: "room", room: view });
}
/** @param {Page} page @param {number} y */
const scrollTo = (page, y) => page.locator(".timeline").evaluate((e, to) => e.scrollTo(0, to), y);
const rows = (/** @type {Page} */ page) => page.locator(".message, .system, .unread-line").count();

/** @type {Story[]} */
export const STORIES = [
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
    for (const [link, words] of [["hello", "no Natter invite"], ["natter://join#cut", "cut short"], ["natter://join#old", "has expired"], ["natter://join#new", "newer Natter"], ["natter://join#used", "used up"]]) {
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
    const join = (/** @type {string} */ progress) => host.push({ type: "join", join: { room: id("room Book circle"), roomName: "Book circle", progress } });
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
  { name: "every message has its sender's name, and its time in full", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    const all = await page.locator(".message").evaluateAll((list) => list.map((e) => ({ name: e.querySelector(".author")?.textContent, label: e.getAttribute("aria-labelledby"), full: e.querySelector("time")?.title, at: e.querySelector("time")?.getAttribute("datetime"), shown: e.querySelector("time")?.checkVisibility() })));
    assert.ok(all.length > 10);
    for (const one of all) assert.ok(one.name && one.label && one.full?.includes("2026") && one.at && one.shown, JSON.stringify(one));
  } },
  { name: "a draft stays with its room", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    await page.getByLabel("Write a message").fill("half a thought");
    await open(page, "Pictures");
    assert.equal(await page.getByLabel("Write a message").inputValue(), "");
    await open(page, "Hut weekend");
    assert.equal(await page.getByLabel("Write a message").inputValue(), "half a thought");
  } },
  { name: "Enter sends, Shift+Enter breaks; what was sent is shown at the end", state: "full", tell: async ({ page }) => {
    await open(page, "Archive");
    await page.getByLabel("Write a message").fill("one");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("two");
    await page.keyboard.press("Enter");
    await page.locator(".message[data-own]", { hasText: "one\ntwo" }).waitFor();
    await until("the end", async () => (await toEnd(page)) < 2);
    assert.equal(await page.locator(".unread-line").count(), 0);
  } },
  { name: "a refused message stands in the composer again", state: "full", says: /WebSocket|ERR_/, tell: async ({ page, host }) => {
    await open(page, "Hut weekend");
    await page.getByLabel("Write a message").fill("not lost");
    await host.close();
    await page.getByText("connection to its own engine").waitFor();
    await page.getByLabel("Write a message").press("Enter");
    await page.getByText("engine does not answer").waitFor();
    assert.equal(await page.getByLabel("Write a message").inputValue(), "not lost");
  } },
  { name: "pictures: pick, paste, drop, take out, send with a caption", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    const bytes = await (await page.request.get(new URL("/media/blob/90x60/200", page.url()).href)).body();
    await page.locator("natter-composer input[type=file]").setInputFiles([{ name: "picked.png", mimeType: "image/png", buffer: bytes }]);
    for (const kind of ["paste", "drop"]) {
      await page.evaluate(({ kind: type, data }) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(data)], `${type}.png`, { type: "image/png" }));
        const event = type === "paste" ? new ClipboardEvent(type, { clipboardData: transfer, bubbles: true, cancelable: true }) : new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true });
        document.querySelector(".composer-text")?.dispatchEvent(event);
      }, { kind, data: [...bytes] });
    }
    await until("three pictures", async () => (await page.locator(".staged:not([data-busy])").count()) === 3);
    await page.getByRole("button", { name: "Take out paste.png" }).click();
    const before = await page.locator("natter-picture").count();
    await page.getByLabel("Write a message").fill("Look!");
    await page.keyboard.press("Enter");
    await until("two more pictures", async () => (await page.locator("natter-picture").count()) === before + 2);
    await page.locator(".message[data-own] [data-picture]", { hasText: "Look!" }).waitFor();
    assert.equal(await page.locator(".staged").count(), 0);
  } },
  { name: "a picture has its box and its ratio before its bytes, and nothing moves when they come", state: "full", tell: async ({ page, host }) => {
    host.held.media = true;
    await open(page, "Pictures");
    await scrollTo(page, 0);
    const boxes = () => page.locator("natter-picture").evaluateAll((list) => list.map((e) => [e.clientWidth, e.clientHeight, Number(getComputedStyle(e).getPropertyValue("--ratio"))]));
    const before = await boxes();
    assert.equal(await page.locator(".picture-full[data-loaded]").count(), 0);
    for (const [width, height, ratio] of before) assert.ok(Math.abs(width / height - ratio) < 0.03 * ratio && width <= 481 && height <= 361, `${width}x${height} for ${ratio}`);
    host.held.media = false;
    await until("the pictures", async () => (await page.locator(".picture-full[data-loaded]").count()) >= 4);
    assert.deepEqual(await boxes(), before);
  } },
  { name: "a picture's transfer: offered, asked for, growing, here", state: "full", tell: async ({ page, host }) => {
    await open(page, "Pictures");
    const offered = roomOf(host, "Pictures").messages.find((/** @type {any} */ m) => m.body.picture.transfer.type === "offered");
    const box = page.locator(`[data-message="${offered.id}"] natter-picture`);
    await box.getByRole("button", { name: "Get picture" }).click();
    host.push({ type: "blob", blob: { blob: offered.body.picture.blob, transfer: { type: "progress", have: 5_900_000 } } });
    await until("half", async () => (await box.getByRole("progressbar").getAttribute("aria-valuenow")) === "50");
    host.push({ type: "blob", blob: { blob: offered.body.picture.blob, transfer: { type: "here" } } });
    await box.locator(".picture-full[data-loaded]").waitFor();
  } },
  { name: "the lightbox: zoom, neighbours, Esc, and the focus goes back", state: "full", tell: async ({ page }) => {
    await open(page, "Pictures");
    await page.locator("natter-picture[data-transfer=here] .picture-frame").last().click();
    await page.locator(".lightbox time").waitFor();
    await page.keyboard.press("+");
    await until("larger", () => page.locator(".lightbox-image").evaluate((e) => /** @type {HTMLElement} */ (e).style.transform.includes("scale(1.5)")));
    const first = await page.locator(".lightbox-image").getAttribute("alt");
    await page.keyboard.press("ArrowLeft");
    assert.notEqual(await page.locator(".lightbox-image").getAttribute("alt"), first);
    await page.keyboard.press("Escape");
    await until("closed", async () => (await page.locator(".lightbox").count()) === 0);
    assert.equal(await page.evaluate(() => document.activeElement?.className), "picture-frame");
  } },
  { name: "the unread line, and reading to the end tells the backend", state: "full", tell: async ({ page, host }) => {
    await open(page, "Archive");
    const line = page.locator(".unread-line");
    await line.waitFor();
    assert.ok(await line.evaluate((e) => e.getBoundingClientRect().top > 0 && e.getBoundingClientRect().top < innerHeight));
    await page.locator(".pill").click();
    await until("read", () => roomOf(host, "Archive").unread === 0);
    await until("no badge", async () => (await page.locator(".room-item", { hasText: "Archive" }).locator(".badge-count").count()) === 0);
    assert.equal(await line.count(), 1);
  } },
  { name: "300 messages: older pages come without a jump, and never more than 200 rows", state: "full", tell: async ({ page }) => {
    await open(page, "Archive");
    await page.locator(".pill").click();
    let most = 0;
    for (let i = 0; i < 40 && (await page.getByText("(1)", { exact: false }).count()) === 0; i++) {
      await page.mouse.move(700, 500);
      await page.mouse.wheel(0, -900);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const seen = await firstSeen(page);
      const at = await top(page, seen);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const now = await top(page, seen);
      assert.ok(Number.isNaN(now) || Math.abs(now - at) <= 2, `message moved from ${at} to ${now}`);
      most = Math.max(most, await rows(page));
    }
    await until("the first message", async () => (await page.locator(".message", { hasText: /\(1\)/ }).count()) === 1);
    assert.ok(most <= 200, `${most} rows`);
    await page.locator(".pill").click();
    await until("the newest", async () => (await page.locator(".message", { hasText: "(300)" }).count()) === 1 && (await toEnd(page)) < 2);
  } },
  { name: "away from the end a new message moves nothing and shows in the pill; at the end it is followed", state: "full", tell: async ({ page, host }) => {
    await open(page, "Hut weekend");
    await until("the end", async () => (await toEnd(page)) < 2);
    hear(host, "Hut weekend", text(bea, "followed", { time: NOW }));
    await page.getByText("followed").last().waitFor();
    await until("the end", async () => (await toEnd(page)) < 2);
    await scrollTo(page, 100);
    const seen = await firstSeen(page);
    const at = await top(page, seen);
    hear(host, "Hut weekend", text(bea, "not followed", { time: NOW }));
    await page.locator(".pill[data-new]").waitFor();
    assert.ok(Math.abs((await top(page, seen)) - at) <= 1);
    await page.locator(".pill").click();
    await until("the end", async () => (await toEnd(page)) < 2);
  } },
  { name: "a quote jumps, also to a message that is not loaded", state: "full", tell: async ({ page, host }) => {
    const archive = roomOf(host, "Archive");
    await open(page, "Archive");
    hear(host, "Archive", text(bea, "remember?", { time: NOW, replyTo: archive.messages[3].id }));
    const quote = page.locator(".message", { hasText: "remember?" }).locator(".quote");
    await page.locator(".pill").click();
    await quote.click();
    const target = page.locator(`[data-message="${archive.messages[3].id}"]`);
    await until("the quoted message in view", () => target.evaluate((e) => e.getBoundingClientRect().top > 0 && e.getBoundingClientRect().bottom < innerHeight && document.activeElement === e).catch(() => false));
    assert.ok((await rows(page)) <= 200);
  } },
  { name: "a delivery that moves changes its mark in place, and the popover says who", state: "full", tell: async ({ page, host }) => {
    await open(page, "Hut weekend");
    const hut = roomOf(host, "Hut weekend");
    const last = hut.messages.at(-1);
    const mark = page.locator(`[data-message="${last.id}"] natter-delivery`);
    assert.equal(await mark.getAttribute("data-state"), "saved");
    host.push({ type: "delivery", room: hut.id, delivery: { [last.id]: { state: "read", heldBy: [bea.device], readBy: [bea.device], of: 3 } } });
    await until("read", async () => (await mark.getAttribute("data-state")) === "read");
    await mark.getByRole("button").click();
    await page.getByRole("dialog", { name: "Who has this message" }).getByText("Bea Lindqvist").waitFor();
    await page.keyboard.press("Escape");
    await until("closed", async () => (await page.locator(".delivery-card").count()) === 0);
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
  { name: "links ask before they open, and only https and mailto are links", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    await page.getByRole("button", { name: "https://huts.example/ridge?beds=6" }).click();
    const dialog = page.getByRole("dialog", { name: "Open this link?" });
    await dialog.getByText("huts.example", { exact: true }).waitFor();
    const opened = page.context().waitForEvent("page");
    await dialog.getByRole("button", { name: "Open" }).click();
    await (await opened).close();
  } },
  { name: "keyboard: jump, rooms, list of shortcuts, Esc gives the focus back", state: "full", tell: async ({ page }) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("hut");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Hut weekend" }).waitFor();
    await page.keyboard.press("Alt+ArrowDown");
    await page.getByRole("heading", { name: "Pictures" }).waitFor();
    await page.keyboard.press("Alt+ArrowUp");
    await page.getByRole("heading", { name: "Hut weekend" }).waitFor();
    await page.getByRole("button", { name: "Settings and profile" }).focus();
    await page.keyboard.press("?");
    await page.getByText("Keyboard shortcuts").waitFor();
    await page.keyboard.press("Escape");
    await until("closed", async () => (await page.locator("dialog").count()) === 0);
    assert.equal(await page.evaluate(() => document.activeElement?.className), "me-button");
  } },
  { name: "keyboard: one stop among the messages, arrows move, R replies, Enter opens the menu", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    await page.getByLabel("Write a message").focus();
    assert.equal(await page.locator(".message[tabindex='0']").count(), 1);
    await page.locator(".message[tabindex='0']").focus();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.getByRole("menu").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Escape");
    await until("focus on the message again", () => page.evaluate(() => document.activeElement?.matches(".message") ?? false));
    await page.keyboard.press("r");
    await page.locator(".answering .quote").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.localName), "textarea");
    await page.keyboard.press("Escape");
    await until("no quote", async () => (await page.locator(".answering").isHidden()));
  } },
  { name: "keyboard: Tab reaches every control, and each one shows its focus", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement)?.blur());
    const reached = new Set();
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      const now = await page.evaluate(() => {
        const e = document.activeElement;
        if (!e || e === document.body) return null;
        const shows = (/** @type {Element} */ one) => getComputedStyle(one).outlineStyle !== "none" || getComputedStyle(one).boxShadow !== "none";
        return { name: e.getAttribute("aria-label") ?? e.textContent?.slice(0, 30) ?? "", shows: shows(e) || shows(/** @type {Element} */ (e.closest(".composer-box") ?? e)) };
      });
      if (!now) continue;
      assert.ok(now.shows, `no focus to be seen on ${now.name}`);
      reached.add(now.name);
    }
    for (const name of ["Settings and profile", "New room or invite", "Invite people", "Write a message", "Add pictures", "Leave room"]) assert.ok([...reached].some((r) => r.includes(name)), `${name} was not reached: ${[...reached].join(", ")}`);
  } },
  { name: "on a phone back leads from details to room to rooms", state: "full", size: "phone", tell: async ({ page }) => {
    const pane = () => page.locator(".shell").getAttribute("data-pane");
    await open(page, "Hut weekend");
    await page.locator(".panel-toggle").click();
    await until("details", async () => (await pane()) === "details");
    await page.goBack();
    await until("room", async () => (await pane()) === "room");
    await page.locator(".picture-frame").first().click();
    await page.locator(".lightbox").waitFor();
    await page.goBack();
    await until("no lightbox", async () => (await page.locator(".lightbox").count()) === 0);
    assert.equal(await pane(), "room");
    await page.getByRole("button", { name: "Back" }).click();
    await until("rooms", async () => (await pane()) === "rooms");
  } },
  { name: "on a phone every control is at least 44 pixels", state: "full", size: "phone", tell: async ({ page }) => {
    const small = () => page.evaluate(() => [...document.querySelectorAll("button, input:not([type=file]), select, textarea")].filter((e) => {
      const box = e.getBoundingClientRect();
      const inline = e.matches(".delivery, .link, .quote, .face, .show-all, summary");
      return !inline && e.checkVisibility({ visibilityProperty: true }) && box.width > 1 && (box.width < 43.5 || box.height < 43.5);
    }).map((e) => `${e.className} ${e.getBoundingClientRect().width}x${e.getBoundingClientRect().height}`));
    assert.deepEqual(await small(), []);
    await open(page, "Climbing club");
    assert.deepEqual(await small(), []);
    await page.locator(".panel-toggle").click();
    assert.deepEqual(await small(), []);
  } },
  { name: "on a phone a long press opens the message's menu, with the full date, and letting go keeps it", state: "full", size: "phone", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    const box = await page.locator(".message", { hasText: "Done, carriage 5" }).locator(".bubble").boundingBox();
    const at = [{ x: Math.round((box?.x ?? 0) + 40), y: Math.round((box?.y ?? 0) + 14) }];
    const input = await page.context().newCDPSession(page);
    await input.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: at });
    await page.getByRole("menu").waitFor();
    await input.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    assert.equal(await page.locator(".menu-head time").textContent(), await page.locator(".message", { hasText: "Done, carriage 5" }).locator("time").getAttribute("title"));
    await page.getByRole("menuitem", { name: "Reply" }).click();
    await page.locator(".answering .quote").waitFor();
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
