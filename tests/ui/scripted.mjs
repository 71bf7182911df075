// A backend that follows a script instead of running Natter: it serves ui/ under the real CSP and speaks the protocol of
// backend/websocket.js, so that every state can be drawn and looked at. `node scripted.mjs [state] [port]` serves one.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocketServer } from "ws";
import { answer } from "./scripted/answers.mjs";
import { hills, png } from "./scripted/png.mjs";
import { STATES } from "./scripted/states.mjs";

const UI = fileURLToPath(new URL("../../ui/", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml" };
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: natter-media: http://natter-media.localhost; connect-src 'self' ipc: http://ipc.localhost ws://127.0.0.1:*";
const QR = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29" shape-rendering="crispEdges"><rect width="29" height="29" fill="#fff"/>${Array.from({ length: 300 }, (_, i) => `<rect x="${(i * 7 + ((i * i) >> 3)) % 25 + 2}" y="${(i * 11 + (i >> 2)) % 25 + 2}" width="1" height="1"/>`).join("")}</svg>`;

/**
 * @param {string | object} state a name of STATES, or a state itself
 * @returns {Promise<{url: string, state: any, push: (change: any) => void, held: {media: boolean}, asked: any[], drop: () => void, close: () => Promise<void>}>}
 */
export async function serve(state, port = 0) {
  const world = { state: structuredClone(typeof state === "string" ? STATES[state]() : state), rev: 1, staged: new Map() };
  /** While `media` is held, full pictures wait: that is how a test sees the box before its bytes. */
  const held = { media: false };
  /** Every command that came. @type {any[]} */
  const asked = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const send = (/** @type {number} */ status, /** @type {string} */ type, /** @type {any} */ body) => response.writeHead(status, { "content-type": type, "content-security-policy": CSP, "cache-control": "no-store" }).end(body);
    try {
      const media = /^\/media\/(blob|preview|staged)\/(\d+)x(\d+)\/(\d+)$/.exec(url.pathname);
      if (media) {
        while (held.media && media[1] === "blob") await new Promise((resolve) => setTimeout(resolve, 20));
        const [, kind, width, height, hue] = media;
        const scale = Math.min(1, (kind === "blob" ? 1000 : 160) / Math.max(+width, +height));
        return send(200, "image/png", png(Math.max(1, Math.round(+width * scale)), Math.max(1, Math.round(+height * scale)), hills(+hue)));
      }
      if (url.pathname.endsWith("/1.svg")) return send(200, "image/svg+xml", QR);
      if (url.pathname === "/stage" && request.method === "POST") {
        for await (const _chunk of request);
        const staged = { id: `staged-${world.staged.size}`, name: decodeURIComponent(String(request.headers["x-name"])), mime: "image/png", size: 1234, width: 1600, height: 1067, preview: "staged/1600x1067/90", stripped: true };
        world.staged.set(staged.id, staged);
        return send(200, "application/json", JSON.stringify(staged));
      }
      const path = normalize(url.pathname === "/" ? "/index.html" : url.pathname);
      send(200, TYPES[/** @type {keyof TYPES} */ (extname(path))] ?? "application/octet-stream", await readFile(join(UI, path)));
    } catch {
      send(404, "text/plain", "nothing here");
    }
  });
  const sockets = new WebSocketServer({ server, path: "/api" });
  const say = (/** @type {any} */ message) => sockets.clients.forEach((socket) => socket.send(JSON.stringify(message)));
  const push = (/** @type {any} */ change) => say({ rev: ++world.rev, change });
  const snapshot = () => {
    const { troubles: _t, ...rest } = world.state;
    return { rev: world.rev, version: "0.1.0", ...rest, rooms: rest.rooms.map(({ messages: _m, ...room }) => room) };
  };
  sockets.on("connection", (socket) => {
    socket.send(JSON.stringify({ type: "snapshot", snapshot: snapshot() }));
    for (const error of world.state.troubles ?? []) push({ type: "trouble", error });
    socket.on("message", (data) => {
      const { id, command } = JSON.parse(String(data));
      asked.push(command);
      const result = answer(world, command, push, snapshot);
      socket.send(JSON.stringify(result.error ? { type: "error", id, error: result.error } : { type: "reply", id, reply: result }));
    });
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  const drop = () => sockets.clients.forEach((socket) => socket.terminate());
  const close = () => new Promise((resolve) => (drop(), sockets.close(), server.closeAllConnections(), server.close(() => resolve(undefined))));
  return { url: `http://127.0.0.1:${address.port}/#token=scripted`, state: world.state, push, held, asked, drop, close: /** @type {any} */ (close) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const host = await serve(process.argv[2] ?? "full", Number(process.argv[3] ?? 8123));
  console.log(host.url);
}
