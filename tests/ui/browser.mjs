// Chromium as the tests use it, and what every script shares: counting, waiting for conditions.
import { chromium } from "playwright-core";

const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Debian's Chromium; as root it has no sandbox. */
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...QUIET, ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])] });

export const SIZES = { phone: { width: 360, height: 740 }, tablet: { width: 820, height: 1180 }, desktop: { width: 1440, height: 900 } };

let passed = 0;
/** @type {string[]} */
const failures = [];

/** Runs one check and counts it. @param {string} name @param {() => unknown} run */
export async function check(name, run) {
  try {
    await run();
    passed += 1;
  } catch (error) {
    failures.push(name);
    console.error(`FAILED ${name}\n  ${String(/** @type {Error} */ (error).message).split("\n").slice(0, 12).join("\n  ")}`);
  }
}

/** Prints the count; the exit code is 1 when something failed. */
export function finish() {
  console.log(`${passed} passed, ${failures.length} failed`);
  process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;
}

/** Waits for a condition, with a deadline. @template T @param {string} what @param {() => Promise<T> | T} condition @param {number} [ms] @returns {Promise<T>} */
export async function until(what, condition, ms = 10_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** What the page said on its console and what it threw, as a list that must stay empty. @param {import("playwright-core").Page} page */
export function listen(page) {
  /** @type {string[]} */
  const said = [];
  page.on("pageerror", (error) => said.push(`${error.message}\n${error.stack}`));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && said.push(message.text()));
  return said;
}
