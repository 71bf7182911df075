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

/** @param {import("playwright-core").Page} page */
async function axe(page) {
  await page.evaluate(`window.axe ?? (() => { ${AXE} })()`).catch(() => {});
  const violations = await page.evaluate(async () => {
    const { violations: found } = await /** @type {any} */ (window).axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"], elementRef: false });
    return found.map((/** @type {any} */ v) => `${v.id}: ${v.nodes.slice(0, 4).map((/** @type {any} */ n) => `${n.target} ${n.any[0]?.message ?? ""}`).join(" | ")}`);
  });
  assert.deepEqual(violations, []);
}

/** Still: no animation runs, every picture has loaded or failed. @param {import("playwright-core").Page} page */
const settle = (page) => until("the page to settle", () => page.evaluate(() =>
  document.getAnimations().every((a) => a.playState !== "running" || a.effect?.getComputedTiming().iterations === Infinity) &&
  [...document.images].every((img) => img.complete) && document.fonts.status === "loaded"));

for (const scene of SCENES) {
  if (!scene.name.includes(wanted)) continue;
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
      if (scene.only && !scene.only.includes(size)) continue;
      const name = `${scene.name}-${size}-${colorScheme}`;
      const host = await serve(scene.state);
      const context = await browser.newContext({ viewport, colorScheme, locale: "en-GB", hasTouch: size === "phone", isMobile: size === "phone", bypassCSP: true, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"] });
      const page = await context.newPage();
      await page.clock.setFixedTime(NOW);
      const said = listen(page);
      page.setDefaultTimeout(8_000);
      await check(`${name}: reached`, async () => {
        await page.goto(host.url);
        await page.locator("natter-app .stage > *").first().waitFor();
        await scene.go?.(page, host, size);
        await settle(page);
      });
      await page.screenshot({ path: new URL(`${name}.png`, OUT).pathname });
      await check(`${name}: no overflow`, async () => assert.deepEqual(await overflow(page), { page: 0, wide: [] }));
      await check(`${name}: axe`, () => axe(page));
      await check(`${name}: console silent`, () => assert.deepEqual(said.filter((s) => !scene.says?.test(s)), []));
      await context.close();
      await host.close();
    }
  }
}
await behaviours(browser, wanted);
await browser.close();
finish();
