// The signs to react with: each is one that the engine takes, stands there once, and is found by its names.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fold } from "../../../ui/lib/fold.js";

const read = async (/** @type {string} */ name) => JSON.parse(await readFile(new URL(`../../../ui/locales/${name}.json`, import.meta.url), "utf8"));
const groups = await read("emoji.en");
const words = await read("en");
const all = groups.flatMap((/** @type {any} */ g) => g.emoji);
/** What `wire::body::codec` asks of a reaction. */
const EMOJI_BYTES = 64;
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

test("every sign is one that may be sent, and stands there once", () => {
  const signs = all.map((/** @type {any} */ [sign]) => sign);
  assert.ok(signs.length > 200);
  assert.equal(new Set(signs).size, signs.length);
  for (const sign of signs) {
    assert.equal([...graphemes.segment(sign)].length, 1, sign);
    assert.ok(Buffer.byteLength(sign) <= EMOJI_BYTES, sign);
    assert.doesNotMatch(sign, /[\p{L}\p{N}\p{Cc}]/u);
  }
});

test("every sign has names as they are looked for, and every group a title", () => {
  for (const [sign, names] of all) {
    assert.ok(names.length > 1, sign);
    assert.equal(fold(names), names, sign);
  }
  for (const { group } of groups) assert.ok(words[`emoji.${group}`], group);
});
