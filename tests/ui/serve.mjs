// The real story, on two real `natter-cli serve` processes: set up, create a room, invite, join by pasting, approve,
// exchange text and a picture; once at phone and once at desktop size. NATTER_CLI names the binary.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SIZES, check, finish, launch, listen, until } from "./browser.mjs";
import { hills, png } from "./scripted/png.mjs";
import { PEOPLE } from "./serve/people.mjs";
import { ROLES, TALKING } from "./serve/talking.mjs";

const CLI = process.env.NATTER_CLI ?? fileURLToPath(new URL("../../target/debug/natter-cli", import.meta.url));
const UI = fileURLToPath(new URL("../../ui/", import.meta.url));
const OUT = new URL("./out/", import.meta.url);
const LONG_MS = 30_000;
const PICTURE = { width: 1200, height: 800 };
await mkdir(OUT, { recursive: true });

/** A port that is free now. @returns {Promise<number>} */
const freePort = () => new Promise((resolve, reject) => {
  const probe = createServer().once("error", reject).listen(0, "127.0.0.1", () => {
    const { port } = /** @type {import("node:net").AddressInfo} */ (probe.address());
    probe.close(() => resolve(port));
  });
});

/** Starts a process and waits for a line on its output. @param {string[]} args @param {RegExp} ready */
async function start(args, ready) {
  const child = spawn(CLI, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, RUST_BACKTRACE: "1" } });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
  const match = await until(`${args[0]} to be ready`, () => {
    if (child.exitCode !== null) throw new Error(`natter-cli ${args.join(" ")} ended with ${child.exitCode}: ${said}`);
    return ready.exec(said);
  }, LONG_MS);
  const stop = () => new Promise((resolve) => (child.exitCode !== null ? resolve(0) : (child.once("exit", resolve), child.kill("SIGTERM"))));
  return { match, stop, said: () => said };
}

/** @param {string} dir @param {string} broker */
const host = (dir, broker) => start(["serve", "--listen", "127.0.0.1:0", "--ui", UI, "--data-dir", dir, "--broker", broker], /(http:\/\/\S+#token=[\w-]+)/);

/** Goes through the first start as far as it shows. @param {import("playwright-core").Page} page @param {string} name */
async function setUp(page, name) {
  await page.locator("natter-setup, natter-shell").waitFor();
  if ((await page.locator("natter-setup").count()) === 0) return;
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Leave it unprotected").check();
  await page.getByLabel("I understand").check();
  await page.getByRole("button", { name: "Start" }).click();
  await page.getByText("No rooms yet").waitFor({ timeout: LONG_MS });
}

/** @param {import("playwright-core").Page} page @param {string} text */
async function say(page, text) {
  await page.getByLabel("Write a message").fill(text);
  await page.getByLabel("Write a message").press("Enter");
}

/** A message that somebody reads: who, what and when stand on it. @param {import("playwright-core").Page} page @param {string} text @param {string} name */
async function reads(page, text, name) {
  const row = page.locator(".message", { hasText: text }).first();
  await row.waitFor({ timeout: LONG_MS });
  assert.equal(await row.locator(".author").textContent(), name);
  const at = await row.locator("time").getAttribute("datetime");
  assert.ok(Math.abs(Date.now() - Date.parse(at ?? "")) < 120_000, `time ${at}`);
  assert.equal(await row.locator("time").isVisible(), true);
}

const browser = await launch();
const broker = `ws://127.0.0.1:${await freePort()}/`;
const meeting = await start(["broker", "--listen", new URL(broker).host], /./);

for (const [size, viewport] of Object.entries({ phone: SIZES.phone, desktop: SIZES.desktop })) {
  const dirs = await Promise.all(["a", "b"].map((who) => mkdtemp(join(tmpdir(), `natter-${size}-${who}-`))));
  const hosts = await Promise.all(dirs.map((dir) => host(dir, broker)));
  const contexts = await Promise.all(hosts.map(() => browser.newContext({ viewport, locale: "en-GB", hasTouch: size === "phone", isMobile: size === "phone" })));
  const [alice, bob] = await Promise.all(contexts.map((context) => context.newPage()));
  const said = [alice, bob].map(listen);
  let link = "";

  await check(`${size}: set up`, async () => {
    await Promise.all([alice.goto(hosts[0].match[1]), bob.goto(hosts[1].match[1])]);
    await Promise.all([setUp(alice, "Alice Aldridge"), setUp(bob, "Bob Brandt")]);
  });
  await check(`${size}: create a room and an invite`, async () => {
    await alice.getByRole("button", { name: "Create a room" }).first().click();
    await alice.getByLabel("Name of the room").fill("Kitchen");
    await alice.getByRole("button", { name: "Create", exact: true }).click();
    await alice.getByText("The room is yours").waitFor();
    await alice.locator(".empty").getByRole("button", { name: "Invite people" }).click();
    await alice.getByRole("button", { name: "Make invite" }).click();
    link = await alice.getByLabel("Invite link").inputValue();
    assert.match(link, /^natter:\/\/join#/);
    await until("the QR code", () => alice.locator(".qr img").evaluate((e) => /** @type {HTMLImageElement} */ (e).naturalWidth > 0));
    await alice.screenshot({ path: new URL(`serve-${size}-invite.png`, OUT).pathname });
    await alice.getByRole("button", { name: "Close", exact: true }).click();
  });
  await check(`${size}: a cut invite is refused in words, the whole one joins`, async () => {
    await bob.getByRole("button", { name: "Join with an invite" }).first().click();
    await bob.getByLabel("Paste the invite").fill(link.slice(0, -6));
    await bob.locator(".field-error", { hasText: /\w/ }).first().waitFor();
    await bob.getByLabel("Paste the invite").fill(`Come in! ${link} See you`);
    await bob.locator(".preview-name", { hasText: "Kitchen" }).waitFor();
    await bob.getByRole("button", { name: "Ask to join" }).click();
    await alice.locator(".request", { hasText: "Bob Brandt" }).waitFor({ timeout: LONG_MS });
    await bob.locator(".step.now", { hasText: "let you in" }).waitFor({ timeout: LONG_MS });
    const fingerprint = await bob.locator(".join-mine .mono").textContent();
    assert.equal(await alice.locator(".request .mono").textContent(), fingerprint);
    await alice.getByRole("button", { name: "Let in", exact: true }).click();
    await bob.getByRole("heading", { name: "Kitchen", exact: true }).waitFor({ timeout: LONG_MS });
  });
  await check(`${size}: text both ways, with names and times`, async () => {
    await say(alice, "Is the kettle on?");
    await reads(alice, "Is the kettle on?", "Alice Aldridge");
    await reads(bob, "Is the kettle on?", "Alice Aldridge");
    await say(bob, "It is. مرحبا 👋");
    await reads(alice, "It is.", "Bob Brandt");
    await until("two online", async () => /2 online/.test((await alice.locator(".room-subtitle").textContent()) ?? ""), LONG_MS);
    await until("the message to be read", async () => ["heldByAll", "read"].includes((await alice.locator(".message[data-own] natter-delivery").first().getAttribute("data-state")) ?? ""), LONG_MS);
  });
  await check(`${size}: a picture, its ratio reserved before it loads`, async () => {
    // Bob's browser does not get the bytes yet: the box must stand without them.
    /** @type {(() => void)[]} */
    const waiting = [];
    let hold = true;
    await bob.route(/\/media\/blob\//, async (route) => {
      if (hold) await new Promise((resolve) => waiting.push(() => resolve(undefined)));
      await route.continue();
    });
    await alice.locator("natter-composer input[type=file]").setInputFiles([{ name: "hills.png", mimeType: "image/png", buffer: png(PICTURE.width, PICTURE.height, hills(40)) }]);
    await alice.locator(".staged:not([data-busy])").waitFor({ timeout: LONG_MS });
    await say(alice, "The view from here");
    const box = bob.locator(".message", { hasText: "The view from here" }).locator("natter-picture");
    await box.waitFor({ timeout: LONG_MS });
    const size1 = await box.evaluate((e) => [e.clientWidth, e.clientHeight]);
    assert.ok(Math.abs(size1[0] / size1[1] - PICTURE.width / PICTURE.height) < 0.03, `${size1}`);
    assert.equal(await box.locator(".picture-full[data-loaded]").count(), 0);
    hold = false;
    await until("the picture", async () => (waiting.splice(0).forEach((go) => go()), (await box.locator(".picture-full[data-loaded]").count()) === 1), LONG_MS);
    assert.deepEqual(await box.evaluate((e) => [e.clientWidth, e.clientHeight]), size1);
    await reads(bob, "The view from here", "Alice Aldridge");
    await box.locator(".picture-frame").click();
    await until("the lightbox", () => bob.locator(".lightbox-image").evaluate((e) => /** @type {HTMLImageElement} */ (e).naturalWidth === 1200));
    const download = bob.waitForEvent("download");
    await bob.locator(".lightbox").getByRole("button", { name: "Save picture" }).click();
    assert.equal((await download).suggestedFilename(), "hills.png");
    await bob.keyboard.press("Escape");
  });
  await check(`${size}: a reload brings everything back`, async () => {
    await bob.reload();
    await bob.getByRole("heading", { name: "Kitchen", exact: true }).waitFor();
    await reads(bob, "Is the kettle on?", "Alice Aldridge");
  });
  for (const [name, tell] of TALKING) await check(`${size}: ${name}`, () => tell(alice, bob));
  await Promise.all([alice, bob].map((page, i) => page.screenshot({ path: new URL(`serve-${size}-${i === 0 ? "a" : "b"}.png`, OUT).pathname })));
  for (const [name, tell] of PEOPLE) await check(`${size}: ${name}`, () => tell(alice, bob));
  for (const [name, tell] of ROLES) await check(`${size}: ${name}`, () => tell(alice, bob));
  await check(`${size}: nothing was thrown`, () => assert.deepEqual(said.flat(), []));
  await Promise.all(contexts.map((context) => context.close()));
  await Promise.all(hosts.map((one) => one.stop()));
  await Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true })));
}
await meeting.stop();
await browser.close();
finish();
