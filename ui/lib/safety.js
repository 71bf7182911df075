// The safety number as it is shown, and what people paste around a code.

/** Groups of digits in one row. */
const IN_ROW = 4;

/** The number's groups in rows. @param {string} number @returns {string[][]} */
export function rows(number) {
  const groups = number.trim().split(/\s+/);
  return Array.from({ length: Math.ceil(groups.length / IN_ROW) }, (_, i) => groups.slice(i * IN_ROW, (i + 1) * IN_ROW));
}

/** What of a pasted text is the code or the digits: words around a code, dashes between groups and digits of other scripts do no harm. @param {string} pasted */
export function tidy(pasted) {
  const text = pasted.normalize("NFKC");
  const code = /natter:\/\/verify#[0-9a-f]+/.exec(text)?.[0];
  return code ?? text.replace(/[\s\p{Pd}.,:·\p{Cf}]+/gu, " ").trim();
}
