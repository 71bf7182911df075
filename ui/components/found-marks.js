// The words that a search found, marked for a while in the message that it led to. Nothing in the message changes: the
// browser paints over it (CSS Custom Highlight API), and where it cannot, the message only flashes.
import { hits, wordsOf } from "../lib/highlight.js";

const NAME = "found";
const SHOWN_MS = 8_000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {Element | null} message @param {string | undefined} query */
export function markFound(message, query) {
  if (!query || !message || typeof Highlight === "undefined") return;
  const words = wordsOf(query);
  /** @type {Range[]} */
  const ranges = [];
  for (const text of message.querySelectorAll(".text")) {
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement?.closest(".meta")) continue;
      for (const { start, end } of hits(node.nodeValue ?? "", words)) {
        const range = new Range();
        range.setStart(node, start);
        range.setEnd(node, end);
        ranges.push(range);
      }
    }
  }
  CSS.highlights.set(NAME, new Highlight(...ranges));
  clearTimeout(timer);
  timer = setTimeout(() => CSS.highlights.delete(NAME), SHOWN_MS);
}
