// What the page computes without a page.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { initials } from "../../../ui/lib/format.js";
import { setWords, t } from "../../../ui/lib/i18n.js";
import { destination, parse, split } from "../../../ui/lib/links.js";
import { decodeLabel, toUnicode } from "../../../ui/lib/punycode.js";
import { toDays, toRows } from "../../../ui/lib/rows.js";
import { decode } from "../../../ui/lib/thumbhash.js";
import * as slices from "../../../ui/lib/window.js";
import { hills, thumbhash } from "../scripted/png.mjs";

const en = JSON.parse(await readFile(new URL("../../../ui/locales/en.json", import.meta.url), "utf8"));
setWords("en", en);

test("every word that the page asks for is there, and every one that is there is asked for", async () => {
  const { glob } = await import("./sources.mjs");
  const sources = (await glob()).join("\n");
  const asked = [...sources.matchAll(/\bt\("([^"]+)"/g)].map(([, key]) => key);
  assert.deepEqual(asked.filter((key) => !(key in en) && key !== "key"), []);
  const prefixes = [...sources.matchAll(/`([a-z]+)\.[^`]*\$\{/g)].map(([, prefix]) => `${prefix}.`);
  const idle = Object.keys(en).filter((key) => !sources.includes(`"${key}"`) && !prefixes.some((prefix) => key.startsWith(prefix)));
  assert.deepEqual(idle, []);
});

/** What can keep a profile shut: see `is_of_the_disk` in node/src/node/opening.rs. */
const SHUT = ["databaseLocked", "databaseDamaged", "databaseTooNew", "diskFull", "diskFailed", "noKeychain", "other"];

test("every refusal, knock and broker trouble of the backend has words", async () => {
  const types = await readFile(new URL("../../../ui/backend/api.d.ts", import.meta.url), "utf8");
  const union = (/** @type {string} */ name) => [...(new RegExp(`export type ${name} = (.*);`).exec(types)?.[1] ?? "").matchAll(/"(\w+)"/g)].map(([, value]) => value);
  const missing = [...union("Code").map((c) => `error.${c}`), ...union("JoinProgress").flatMap((p) => [`join.${p}`, `join.${p}Means`, `join.${p}Short`]), ...union("Presence").map((p) => `presence.${p}`), ...union("BrokerTrouble").map((b) => `broker.${b}`), ...SHUT.flatMap((c) => [`broken.${c}`, `broken.${c}Means`, `broken.${c}Do`])].filter((key) => !(key in en));
  assert.ok(union("Code").length > 20 && union("BrokerTrouble").length > 5);
  assert.deepEqual(SHUT.filter((c) => c !== "other" && !union("Code").includes(c)), []);
  assert.deepEqual(missing, []);
});

test("plural forms and names fill in; a name of the other direction is isolated", () => {
  assert.equal(t("rooms.members", { count: 1 }), "1 person");
  assert.equal(t("rooms.members", { count: 1200 }), "1,200 people");
  assert.equal(t("system.joined", { name: "Bea" }), "Bea came in");
  assert.equal(t("system.joined", { name: "نور" }), "\u2068نور\u2069 came in");
  assert.equal(t("no.such.key"), "no.such.key");
});

test("initials are letters as people see them", () => {
  assert.equal(initials("robin ashdown"), "RA");
  assert.equal(initials("  "), "");
  assert.equal(initials("👩‍👩‍👧 family"), "👩‍👩‍👧F");
  assert.equal(initials("“Zed”"), "Z");
});

test("only https and mailto become links, without the sentence's own marks", () => {
  const urls = (/** @type {string} */ text) => split(text).flatMap((p) => p.url ?? []);
  assert.deepEqual(urls("See https://a.example/b(c)_d), or (https://e.example)."), ["https://a.example/b(c)_d", "https://e.example/"]);
  assert.deepEqual(urls("http://plain.example javascript:alert(1) file:///etc natter://join#x mailto:nobody"), []);
  assert.deepEqual(urls("mailto:a@b.example!"), ["mailto:a@b.example"]);
  assert.equal(split("x https://a.example y").map((p) => p.text).join(""), "x https://a.example y");
  assert.equal(parse("https://"), null);
});

test("a link stops at characters that would hide where it goes", () => {
  assert.deepEqual(split("https://a.example/\u202egpj.exe").flatMap((p) => p.url ?? []), ["https://a.example/"]);
});

test("the host is shown in letters and in what the network uses", () => {
  assert.deepEqual(destination("https://user:pass@xn--mnchen-3ya.example:8443/x"), { mail: false, name: "münchen.example", ascii: "xn--mnchen-3ya.example" });
  assert.equal(toUnicode("xn--r8jz45g.jp"), "例え.jp");
  assert.equal(decodeLabel("ihqwcrb4cv8a8dqg056pqjye"), "他们为什么不说中文");
  assert.equal(decodeLabel("***"), null);
  assert.equal(decodeLabel("99999999"), null);
});

test("a thumbhash gives back the ratio and the colours that went in", () => {
  for (const ratio of [1, 1.5, 0.5]) {
    const { width, height, rgba } = decode(Buffer.from(thumbhash(ratio, hills(40)), "base64"));
    assert.ok(Math.abs(width / height - ratio) < 0.2, `${width}x${height} for ${ratio}`);
    const paint = hills(40);
    let error = 0;
    for (let i = 0; i < width * height; i++) {
      const [r, g, b] = paint(((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height);
      error += Math.abs(r - rgba[i * 4]) + Math.abs(g - rgba[i * 4 + 1]) + Math.abs(b - rgba[i * 4 + 2]);
    }
    assert.ok(error / (width * height * 3) < 32, `mean error ${error / (width * height * 3)} for ${ratio}`);
    assert.equal(rgba[3], 255);
  }
});

test("a thumbhash that a peer cut short is refused, not read past its end", () => {
  assert.throws(() => decode(new Uint8Array(4)), RangeError);
  assert.throws(() => decode(new Uint8Array([0, 0, 128, 0, 0])), RangeError);
  assert.equal(decode(new Uint8Array(5)).rgba.length % 4, 0);
});

/** @param {number} n @param {string} author @param {number} time @param {object} [more] @returns {any} */
const message = (n, author, time, more) => ({ id: `m${n}`, order: String(n).padStart(4, "0"), author, own: false, time, body: { type: "text", text: "" }, replyTo: null, delivery: null, ...more });
const NOON = new Date(2026, 2, 19, 12).getTime();

test("messages of one author within five minutes stand together, an answer stands alone", () => {
  const rows = toRows([message(1, "a", NOON), message(2, "a", NOON + 60_000), message(3, "a", NOON + 120_000, { replyTo: "m1" }), message(4, "b", NOON + 130_000), message(5, "b", NOON + 431_000)], null);
  assert.deepEqual(rows.map((r) => r.kind === "message" && [r.head, r.tail]), [[true, false], [false, true], [true, true], [true, true], [true, true]]);
});

test("comings and goings run together within a day; the unread line splits a group", () => {
  const join = (/** @type {number} */ n, /** @type {number} */ time) => message(n, "a", time, { body: { type: "joined", device: "x" } });
  const rows = toRows([join(1, NOON), join(2, NOON), message(3, "a", NOON), message(4, "a", NOON), join(5, NOON + 86_400_000)], "m4");
  assert.deepEqual(rows.map((r) => r.kind), ["system", "message", "unread", "message", "system"]);
  assert.equal(rows[3].kind === "message" && rows[3].head, true);
  assert.equal(toDays(rows).length, 2);
});

test("a day that comes twice because clocks differ has two keys", () => {
  const days = toDays(toRows([message(1, "a", NOON), message(2, "b", NOON + 86_400_000), message(3, "a", NOON + 1)], null));
  assert.equal(new Set(days.map((d) => d.key)).size, 3);
});

test("the page never holds more rows than its cap, and keeps its stretch when older ones come", () => {
  const keys = (/** @type {number} */ n, from = 0) => Array.from({ length: n }, (_, i) => `k${i + from}`);
  let slice = slices.newest(1000);
  for (let i = 0; i < 30; i++) {
    slice = slices.older(slice);
    assert.ok(slice.end - slice.start <= slices.MAX_ROWS);
  }
  assert.equal(slice.start, 0);
  for (let i = 0; i < 40; i++) slice = slices.newer(slice, 1000);
  assert.equal(slice.end, 1000);
  assert.ok(slices.MAX_ROWS <= 200);
  const before = keys(100, 60);
  assert.deepEqual(slices.follow({ start: 10, end: 40 }, before, [...keys(60), ...before]), { start: 70, end: 100 });
  assert.deepEqual(slices.follow({ start: 20, end: 100 }, before, [...before, "new"]), { start: 20, end: 101 });
  assert.deepEqual(slices.follow({ start: 0, end: 10 }, before, keys(5, 500)), { start: 0, end: 5 });
});
