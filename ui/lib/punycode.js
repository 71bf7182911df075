// RFC 3492 and RFC 5891: a host as people read it, from the ASCII that the network uses.

const BASE = 36, T_MIN = 1, T_MAX = 26, SKEW = 38, DAMP = 700;

/** @param {number} delta @param {number} count @param {boolean} first */
function adapt(delta, count, first) {
  let d = Math.floor(delta / (first ? DAMP : 2));
  d += Math.floor(d / count);
  let k = 0;
  for (; d > ((BASE - T_MIN) * T_MAX) / 2; k += BASE) d = Math.floor(d / (BASE - T_MIN));
  return k + Math.floor(((BASE - T_MIN + 1) * d) / (d + SKEW));
}

/** @param {string} label what follows `xn--` @returns {string | null} null when it is not Punycode */
export function decodeLabel(label) {
  const split = label.lastIndexOf("-");
  const points = split > 0 ? Array.from(label.slice(0, split), (c) => c.charCodeAt(0)) : [];
  let n = 128, bias = 72, i = 0;
  for (let at = split > 0 ? split + 1 : 0; at < label.length; ) {
    const start = i;
    for (let weight = 1, k = BASE; ; k += BASE) {
      const digit = parseInt(label[at++] ?? "", 36);
      if (Number.isNaN(digit)) return null;
      const value = digit < 10 ? digit + 26 : digit - 10;
      i += value * weight;
      const t = k <= bias ? T_MIN : k >= bias + T_MAX ? T_MAX : k - bias;
      if (value < t) break;
      weight *= BASE - t;
      if (i > 0x7fffffff) return null;
    }
    bias = adapt(i - start, points.length + 1, start === 0);
    n += Math.floor(i / (points.length + 1));
    i %= points.length + 1;
    if (n > 0x10ffff) return null;
    points.splice(i++, 0, n);
  }
  return String.fromCodePoint(...points);
}

/** @param {string} host */
export function toUnicode(host) {
  return host.split(".").map((l) => (l.startsWith("xn--") ? (decodeLabel(l.slice(4)) ?? l) : l)).join(".");
}
