// Copying, also where the webview keeps the asynchronous clipboard to itself.

/** @param {string} text @returns {Promise<void>} rejects when neither way works */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch (refused) {
    if (!copySelected(text)) throw refused;
  }
}

/** @param {string} text */
function copySelected(text) {
  const before = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
