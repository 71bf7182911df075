// Every screen in every state, at three sizes, light and dark: nothing overflows, axe finds nothing, nothing is thrown.
// Screenshots go to out/. `node states.mjs [part of a scene's name]` runs some.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { SIZES, check, finish, launch, listen, until } from "./browser.mjs";
import { serve } from "./scripted.mjs";
import { NOW } from "./scripted/states.mjs";
import { SCENES } from "./scripted/scenes.mjs";
import { behaviours } from "./scripted/behaviours.mjs";

const OUT = new URL("./out/", import.meta.url);
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const wanted = process.argv[2] ?? "";
await mkdir(OUT, { recursive: true });
const browser = await launch();

/** @param {import("playwright-core").Page} page */
const overflow = (page) => page.evaluate(() => {
  const wide = [...document.querySelectorAll("body *")].filter((e) => {
    const box = e.getBoundingClientRect();
    if (box.width === 0 || box.height === 0 || e.closest(".sr-only, .details-pane, .strip, .sprite, .lightbox-stage, .from")) return false;
    const style = getComputedStyle(e);
    return style.visibility !== "hidden" && (box.right > innerWidth + 1 || box.left < -1) && style.position !== "fixed";
  });
  return { page: document.documentElement.scrollWidth - innerWidth, wide: wide.slice(0, 5).map((e) => `${e.localName}.${e.className}`) };
});

const EVERYTHING = { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
const COLOURS = { type: "rule", values: ["color-contrast"] };

/** @param {import("playwright-core").Page} page @param {object} runOnly */
async function axe(page, runOnly) {
  await page.evaluate(`window.axe ?? (() => { ${AXE} })()`);
  const violations = await page.evaluate(async (only) => {
    const { violations: found } = await /** @type {any} */ (window).axe.run(document, { runOnly: only, resultTypes: ["violations"] });
    return found.map((/** @type {any} */ v) => `${v.id}: ${v.nodes.slice(0, 4).map((/** @type {any} */ n) => `${n.target} ${n.any[0]?.message ?? ""}`).join(" | ")}`);
  }, runOnly);
  assert.deepEqual(violations, []);
}

/** Still: no animation runs, every picture has loaded or failed. @param {import("playwright-core").Page} page */
const settle = (page) => until("the page to settle", () => page.evaluate(() =>
  document.getAnimations().every((a) => a.playState !== "running" || a.effect?.getComputedTiming().iterations === Infinity) &&
  [...document.images].every((img) => img.complete) && document.fonts.status === "loaded"));

/** @param {import("./scripted/scenes.mjs").Scene} scene @param {keyof typeof SIZES} size */
async function draw(scene, size) {
  const name = `${scene.name}-${size}`;
  const host = await serve(scene.state);
  const phone = size === "phone";
  // The page's own CSP would keep axe out.
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme: "light", locale: "en-GB", hasTouch: phone, isMobile: phone, bypassCSP: true, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
  const page = await context.newPage();
  await page.clock.setFixedTime(NOW);
  const said = listen(page);
  page.setDefaultTimeout(8_000);
  await check(`${name}: reached`, async () => {
    await page.goto(host.url);
    await page.locator("natter-app .stage > :not(natter-loading)").first().waitFor();
    await scene.go?.(page, host, size);
    await settle(page);
  });
  await page.screenshot({ path: new URL(`${name}-light.png`, OUT).pathname });
  await check(`${name}: no overflow`, async () => assert.deepEqual(await overflow(page), { page: 0, wide: [] }));
  await check(`${name}: axe`, () => axe(page, EVERYTHING));
  await page.emulateMedia({ colorScheme: "dark" });
  await settle(page);
  await page.screenshot({ path: new URL(`${name}-dark.png`, OUT).pathname });
  await check(`${name}: axe in the dark`, () => axe(page, COLOURS));
  await check(`${name}: console silent`, () => assert.deepEqual(said.filter((s) => !scene.says?.test(s)), []));
  await context.close();
  await host.close();
}

const jobs = SCENES.filter((scene) => scene.name.includes(wanted)).flatMap((scene) =>
  /** @type {(keyof typeof SIZES)[]} */ (Object.keys(SIZES)).filter((size) => !scene.only || scene.only.includes(size)).map((size) => () => draw(scene, size)));
const workers = Array.from({ length: Number(process.env.WORKERS ?? 2) }, async () => {
  for (let job = jobs.shift(); job; job = jobs.shift()) await job();
});
await Promise.all(workers);
await behaviours(browser, wanted);
await browser.close();
finish();
