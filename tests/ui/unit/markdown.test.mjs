// The marks that people put in their words, and what nobody sane would.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_DEPTH, parse, plain } from "../../../ui/lib/markdown.js";

/** A tree as a short line: b(…) i(…) c(…) a(…) @(…). @param {any} node @returns {string} */
const short = (node) => {
  if (Array.isArray(node)) return node.map(short).join("");
  switch (node.kind) {
    case "text": return node.text;
    case "strong": return `b(${short(node.children)})`;
    case "em": return `i(${short(node.children)})`;
    case "code": return `c(${node.text})`;
    case "link": return `a(${node.text})`;
    case "mention": return `@(${node.device}:${node.text})`;
    case "paragraph": return `<p ${short(node.children)}>`;
    case "quote": return `<q ${short(node.blocks)}>`;
    default: return `<l ${node.items.map((/** @type {any} */ i) => `${node.ordered ? i.value : "-"} ${short(i.children)}`).join("|")}>`;
  }
};
/** @param {string} text @param {any[]} [mentions] */
const tree = (text, mentions) => short(parse(text, mentions));
/** @param {string} text */
const line = (text) => tree(text).replace(/^<p (.*)>$/s, "$1");

test("bold, italic and code, apart and inside each other", () => {
  assert.equal(line("a **b** *c* `d`"), "a b(b) i(c) c(d)");
  assert.equal(line("***x***"), "b(i(x))");
  assert.equal(line("**a *b* c**"), "b(a i(b) c)");
  assert.equal(line("*a **b** c*"), "i(a b(b) c)");
  assert.equal(line("**`x*y`**"), "b(c(x*y))");
  assert.equal(line("``a`b``"), "c(a`b)");
  assert.equal(line("**two\nlines**"), "b(two\nlines)");
});

test("what is no mark stays as it was written", () => {
  for (const same of ["2*3*4", "a * b * c", "**", "****", "* *", "*a", "a**", "`a", "` `", "snake_case_word", "# no heading", "[no](link)", "<b>no</b>", "![no](x)", "~~no~~", "-no", "1.no", "2026. What a year", "*****x*****"]) assert.equal(line(same), same);
  assert.equal(line("*a *b*"), "*a i(b)");
  assert.equal(line("**a *b**"), "b(a *b)");
  assert.equal(line("`a\nb`"), "`a\nb`");
});

test("quotes, lists and code blocks, one after the other", () => {
  assert.equal(tree("> a\n> b\nc"), "<q <p a\nb>><p c>");
  assert.equal(tree("- a\n- **b**\n7. c\n9. d"), "<l - a|- b(b)><l 7 c|9 d>");
  assert.equal(tree("x\n```js\nlet *a* = 1;\n\n  b\n```\ny"), "<p x>c(let *a* = 1;\n\n  b)<p y>");
  assert.equal(tree("a\n\n\nb\nc"), "<p a><p b\nc>");
  assert.equal(tree("```\nnever closed"), "<p ```\nnever closed>");
  assert.equal(tree("> ```\n> in\n> ```"), "<q c(in)>");
  assert.equal(tree(""), "");
});

test("quotes nest no deeper than they may", () => {
  const deep = tree(`${"> ".repeat(50)}x`);
  assert.equal(deep.match(/<q/g)?.length, MAX_DEPTH - 1);
  assert.ok(deep.includes("> > x"));
});

test("links stay links, also inside marks, and their stars are theirs", () => {
  assert.equal(line("**see https://a.example/x*y*z.**"), "b(see a(https://a.example/x*y*z).)");
  assert.equal(line("javascript:alert(1) http://a.example"), "javascript:alert(1) http://a.example");
  assert.equal(line("`https://a.example`"), "c(https://a.example)");
});

test("mentions survive inside marks, and count as their words in code", () => {
  const ben = { device: "b", start: 2, length: 4 };
  assert.equal(tree("**@Ben**", [ben]), "<p b(@(b:@Ben))>");
  assert.equal(tree("> @Ben hi", [ben]), "<q <p @(b:@Ben) hi>>");
  assert.equal(tree("- @Ben", [ben]), "<l - @(b:@Ben)>");
  assert.equal(tree("`x@Ben`", [ben]), "<p c(x@Ben)>");
  assert.equal(tree("```\n@Ben\n```", [{ ...ben, start: 4 }]), "c(@Ben)");
  assert.equal(tree("https://a.example/@Ben", [{ ...ben, start: 18 }]), "<p a(https://a.example/)@(b:@Ben)>");
  assert.equal(tree("a@Ben@Ben", [{ ...ben, start: 1 }, { ...ben, start: 5 }]), "<p a@(b:@Ben)@(b:@Ben)>");
});

test("mentions that stand nowhere are words, and no text can forge one", () => {
  const at = (/** @type {number} */ start, /** @type {number} */ length) => ({ device: "b", start, length });
  for (const wrong of [at(-1, 2), at(0, 0), at(3, 9), at(0.5, 1), at(1, 3)]) assert.equal(tree("ab\ncd", [wrong]), "<p ab\ncd>");
  assert.equal(tree("abcd", [at(0, 3), at(2, 2)]), "<p @(b:abc)d>");
  assert.equal(tree("\ufdd0 x @y", [{ ...at(4, 2) }]), "<p \ufffd x @(b:@y)>");
  const many = Array.from({ length: 40 }, (_, i) => at(i, 1));
  assert.equal(tree("x".repeat(40), many).match(/@\(/g)?.length, 32);
});

test("one line of preview has the words without their marks", () => {
  assert.equal(plain("**Hi** @x\n> `a`\n- b\n- c", [{ device: "d", start: 7, length: 2 }], () => "@Dora"), "Hi @Dora a b c");
});

test("hostile texts take linear time", () => {
  const N = 16_384;
  const texts = ["*", "**a ", "*a **b ", "`", "``` ", "`a``b", "> ", "> \n", "- a\n", "```\n", "***a", "https://a.example/)", "a*", "*a* ", "(https://a.a", "\n", "[", "**a*b", "1. ", "🙂*"].map((s) => s.repeat(Math.ceil(N / s.length)).slice(0, N));
  texts.push(`https://a.example/${")".repeat(N)}`, `https://a.example/${"(".repeat(N)}`, Array.from({ length: 180 }, (_, i) => "`".repeat(i + 1)).join("x"));
  for (const text of texts) {
    // The processor's time, and the best of three: the machine may be busy with other things.
    const took = Math.min(...[1, 2, 3].map(() => {
      const before = process.cpuUsage();
      parse(text);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    }));
    assert.ok(took < 250, `${took} ms for ${JSON.stringify(text.slice(0, 20))}`);
  }
});

test("nothing that was written is lost", () => {
  const bits = ["*", "**", "`", "``", "```", "> ", "- ", "1. ", "\n", " ", "a", "b", "@B", "https://x.example"];
  let seed = 7;
  const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) >> 8;
  const letters = (/** @type {string} */ s) => s.replace(/[^ab@Bhtpsxeml]/g, "");
  for (let i = 0; i < 2000; i++) {
    const text = Array.from({ length: next() % 24 }, () => bits[next() % bits.length]).join("");
    if (/```[^`\n]*[a-z]/i.test(text)) continue; // A code block's language is not shown.
    assert.equal(letters(plain(text, [], (_, t) => t)), letters(text), JSON.stringify(text));
  }
});
