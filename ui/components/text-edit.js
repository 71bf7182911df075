// Changes of a text field that the browser's own undo knows.

/** Puts text where the selection is. @param {HTMLTextAreaElement} field @param {string} text */
export function insertText(field, text) {
  field.focus();
  if (document.execCommand(text === "" ? "delete" : "insertText", false, text)) return;
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Puts marks around the selection, or takes away those that are there. @param {HTMLTextAreaElement} field @param {string} mark */
export function toggleMark(field, mark) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const size = mark.length;
  const inner = value.slice(start, end);
  const marked = value.slice(start - size, start) === mark && value.slice(end, end + size) === mark && !(mark === "*" && value.slice(start - 2, start) === "**" && value.slice(start - 3, start) !== "***");
  if (marked) field.setSelectionRange(start - size, end + size);
  insertText(field, marked ? inner : mark + inner + mark);
  const from = marked ? start - size : start + size;
  field.setSelectionRange(from, from + inner.length);
}

/** @type {Record<string, string>} */
const MARKS = { b: "**", i: "*", e: "`" };

/** The mark that Ctrl or ⌘ and a letter stand for. @param {KeyboardEvent} event @param {boolean} mac */
export function markOf(event, mac) {
  const mod = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
  return mod && !event.altKey && !event.shiftKey ? MARKS[event.key.toLowerCase()] : undefined;
}
