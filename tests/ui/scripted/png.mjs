// Pictures for the scripted backend: drawn here, written as PNG (RFC 2083), with the ThumbHash of each.
import { deflateSync } from "node:zlib";

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** @param {Uint8Array} bytes */
const crc = (bytes) => (bytes.reduce((c, byte) => CRC[(c ^ byte) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;

/** @param {string} type @param {Uint8Array} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc(body), body.length + 4);
  return frame;
}

/** @typedef {(x: number, y: number) => [number, number, number]} Paint x and y from 0 to 1, colours to 255 */

/** @param {number} width @param {number} height @param {Paint} paint */
export function png(width, height, paint) {
  const raw = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) raw.set(paint((x + 0.5) / width, (y + 0.5) / height), y * (1 + width * 3) + 1 + x * 3);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), chunk("IHDR", header), chunk("IDAT", deflateSync(raw)), chunk("IEND", Buffer.alloc(0))]);
}

/** Hills under an evening sky; `hue` turns the light. @param {number} hue @returns {Paint} */
export function hills(hue) {
  const turn = (/** @type {number} */ shift) => 0.5 + 0.5 * Math.cos((hue + shift) / 57.3);
  return (x, y) => {
    const ridge = (/** @type {number} */ at, /** @type {number} */ waves, /** @type {number} */ tall) => at + tall * Math.sin(x * waves + hue) + tall * 0.4 * Math.sin(x * waves * 2.7 + hue * 2);
    const sun = Math.hypot((x - 0.68) * 1.4, y - 0.36);
    if (sun < 0.09 && y < ridge(0.55, 5, 0.05)) return [255, 236, 200];
    for (const [at, waves, tall, dark] of [[0.82, 9, 0.03, 0.25], [0.68, 6, 0.045, 0.45], [0.55, 5, 0.05, 0.68]]) {
      if (y > ridge(at, waves, tall)) return [(60 + 120 * turn(0)) * dark, (90 + 90 * turn(120)) * dark, (100 + 90 * turn(240)) * dark];
    }
    const glow = Math.max(0, 1 - sun * 1.6);
    return [Math.min(255, 120 + 90 * turn(30) + 60 * glow + 40 * y), Math.min(255, 130 + 60 * turn(150) + 60 * glow), Math.min(255, 170 + 60 * turn(270) - 40 * y)];
  };
}

/** A ThumbHash without alpha, by the published description. @param {number} ratio width / height @param {Paint} paint */
export function thumbhash(ratio, paint) {
  const n = 32;
  const w = ratio > 1 ? n : Math.max(1, Math.round(n * ratio));
  const h = ratio > 1 ? Math.max(1, Math.round(n / ratio)) : n;
  const lx = Math.max(1, Math.round((7 * w) / Math.max(w, h)));
  const ly = Math.max(1, Math.round((7 * h) / Math.max(w, h)));
  const pixels = Array.from({ length: w * h }, (_, i) => paint(((i % w) + 0.5) / w, (Math.floor(i / w) + 0.5) / h).map((c) => c / 255));
  /** @param {(rgb: number[]) => number} of @param {number} nx @param {number} ny */
  const encode = (of, nx, ny) => {
    let dc = 0, scale = 0;
    const ac = [];
    for (let cy = 0; cy < ny; cy++) {
      for (let cx = 0; cx * ny < nx * (ny - cy); cx++) {
        const f = pixels.reduce((sum, rgb, i) => sum + of(rgb) * Math.cos((Math.PI / w) * cx * ((i % w) + 0.5)) * Math.cos((Math.PI / h) * cy * (Math.floor(i / w) + 0.5)), 0) / pixels.length;
        if (cx || cy) ac.push(f), (scale = Math.max(scale, Math.abs(f)));
        else dc = f;
      }
    }
    return { dc, scale, ac: ac.map((f) => (scale ? 0.5 + (0.5 / scale) * f : 0.5)) };
  };
  const l = encode(([r, g, b]) => (r + g + b) / 3, Math.max(3, lx), Math.max(3, ly));
  const p = encode(([r, g, b]) => (r + g) / 2 - b, 3, 3);
  const q = encode(([r, g]) => r - g, 3, 3);
  const landscape = w > h;
  const head = Math.round(63 * l.dc) | (Math.round(31.5 + 31.5 * p.dc) << 6) | (Math.round(31.5 + 31.5 * q.dc) << 12) | (Math.round(31 * l.scale) << 18);
  const tail = (landscape ? ly : lx) | (Math.round(63 * p.scale) << 3) | (Math.round(63 * q.scale) << 9) | ((landscape ? 1 : 0) << 15);
  const bytes = [head & 255, (head >> 8) & 255, head >> 16, tail & 255, tail >> 8];
  [...l.ac, ...p.ac, ...q.ac].forEach((f, i) => {
    const nibble = Math.round(15 * f);
    if (i % 2 === 0) bytes.push(nibble);
    else bytes[bytes.length - 1] |= nibble << 4;
  });
  return Buffer.from(bytes).toString("base64");
}
