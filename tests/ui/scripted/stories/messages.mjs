// Writing, pictures and links.
import assert from "node:assert/strict";
import { until } from "../../browser.mjs";
import { open, roomOf, scrollTo, toEnd } from "../page.mjs";

/** @type {import("../page.mjs").Story[]} */
export const MESSAGES = [
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
  { name: "links ask before they open, and only https and mailto are links", state: "full", tell: async ({ page }) => {
    await open(page, "Hut weekend");
    await page.getByRole("button", { name: "https://huts.example/ridge?beds=6" }).click();
    const dialog = page.getByRole("dialog", { name: "Open this link?" });
    await dialog.getByText("huts.example", { exact: true }).waitFor();
    const opened = page.context().waitForEvent("page");
    await dialog.getByRole("button", { name: "Open" }).click();
    await (await opened).close();
  } },
];
