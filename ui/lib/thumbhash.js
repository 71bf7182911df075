// ThumbHash (Evan Wallace, https://evanw.github.io/thumbhash/): a picture in about 25 bytes. Written from the published
// description of the format: a 5- or 6-byte header, then 4-bit coefficients of a cosine transform for luminance (L),
// yellow–blue (P), red–green (Q) and, if the header says so, alpha (A).

/**
 * The coefficients of one channel, in the triangle that the format keeps: cx/nx + cy/ny < 1, without the constant.
 * @param {number} nx @param {number} ny @returns {[number, number][]}
 */
function triangle(nx, ny) {
  /** @type {[number, number][]} */
  const order = [];
  for (let cy = 0; cy < ny; cy++) for (let cx = cy ? 0 : 1; cx * ny < nx * (ny - cy); cx++) order.push([cx, cy]);
  return order;
}

/** @param {Uint8Array} hash */
function header(hash) {
  if (hash.length < 5) throw new RangeError("a thumbhash has at least 5 bytes");
  const a = hash[0] | (hash[1] << 8) | (hash[2] << 16);
  const b = hash[3] | (hash[4] << 8);
  const alpha = a >> 23 !== 0;
  if (alpha && hash.length < 6) throw new RangeError("a thumbhash with alpha has at least 6 bytes");
  const landscape = b >> 15 !== 0;
  const long = alpha ? 5 : 7;
  return {
    alpha,
    l: (a & 63) / 63, p: ((a >> 6) & 63) / 31.5 - 1, q: ((a >> 12) & 63) / 31.5 - 1,
    lScale: ((a >> 18) & 31) / 31, pScale: ((b >> 3) & 63) / 63, qScale: ((b >> 9) & 63) / 63,
    lx: Math.max(3, landscape ? long : b & 7), ly: Math.max(3, landscape ? b & 7 : long),
    a: alpha ? (hash[5] & 15) / 15 : 1, aScale: alpha ? (hash[5] >> 4) / 15 : 0,
  };
}

/**
 * Decodes to at most 32 × 32 pixels.
 * @param {Uint8Array} hash @returns {{width: number, height: number, rgba: Uint8ClampedArray<ArrayBuffer>}}
 * @throws {RangeError} when it is cut short
 */
export function decode(hash) {
  const head = header(hash);
  let nibble = (head.alpha ? 6 : 5) * 2;
  const next = () => {
    const byte = hash[nibble >> 1] ?? 0;
    return ((nibble++ & 1 ? byte >> 4 : byte & 15) / 7.5) - 1;
  };
  /** @param {number} nx @param {number} ny @param {number} scale */
  const channel = (nx, ny, scale) => triangle(nx, ny).map(([cx, cy]) => ({ cx, cy, k: 2 * scale * next() }));
  const l = channel(head.lx, head.ly, head.lScale);
  const p = channel(3, 3, head.pScale * 1.25);
  const q = channel(3, 3, head.qScale * 1.25);
  const a = head.alpha ? channel(5, 5, head.aScale) : [];

  const ratio = head.lx / head.ly;
  const width = Math.round(ratio > 1 ? 32 : 32 * ratio);
  const height = Math.round(ratio > 1 ? 32 / ratio : 32);
  const cosines = (/** @type {number} */ n) =>
    Array.from({ length: n }, (_, x) => Array.from({ length: 7 }, (_, c) => Math.cos((Math.PI / n) * (x + 0.5) * c)));
  const xs = cosines(width);
  const ys = cosines(height);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      const sum = (/** @type {number} */ from, /** @type {typeof l} */ terms) =>
        terms.reduce((total, { cx, cy, k }) => total + k * xs[x][cx] * ys[y][cy], from);
      const L = sum(head.l, l), P = sum(head.p, p), Q = sum(head.q, q);
      const blue = L - (2 / 3) * P;
      const red = (3 * L - blue + Q) / 2;
      rgba[i] = red * 255;
      rgba[i + 1] = (red - Q) * 255;
      rgba[i + 2] = blue * 255;
      rgba[i + 3] = sum(head.a, a) * 255;
    }
  }
  return { width, height, rgba };
}

/** A canvas with the picture that base64 text holds; null when the text is no thumbhash. @param {string} base64 */
export function toCanvas(base64) {
  try {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const { width, height, rgba } = decode(bytes);
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d")?.putImageData(new ImageData(rgba, width, height), 0, 0);
    return canvas;
  } catch {
    return null; // A peer wrote it: no placeholder is a fine answer.
  }
}
