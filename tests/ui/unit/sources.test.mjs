// What holds for every script and style of the page. How long each may be is in tests/it/tidy.rs, with all other files.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { files } from "./sources.mjs";

const all = await files();
const html = await readFile(new URL("../../../ui/index.html", import.meta.url), "utf8");

test("text never becomes markup, and nothing is evaluated", () => {
  const banned = /\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc)\b/;
  assert.deepEqual(all.filter((f) => banned.test(f.text)).map((f) => f.name), []);
});

test("the page has no inline script, style or handler, and loads nothing from elsewhere", () => {
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)/);
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=/);
  assert.doesNotMatch(html, /(?:src|href)="(?:https?:)?\/\//);
  for (const { name, text } of all) assert.doesNotMatch(text, /from "(?:https?:|\w)/, name);
});

test("every icon that is asked for is in the sprite", () => {
  const drawn = new Set([...html.matchAll(/<symbol id="i-([\w-]+)"/g)].map(([, name]) => name));
  const asked = all.flatMap((f) => [...f.text.matchAll(/(?:\bicon|iconButton)\("([\w-]+)"/g), ...f.text.matchAll(/icon: "([\w-]+)"/g)].map(([, name]) => name));
  assert.deepEqual(asked.filter((name) => !drawn.has(name)), []);
});
