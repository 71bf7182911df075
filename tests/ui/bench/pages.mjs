// PeerJS's side of the benchmarks: unmodified npm `peerjs` in Chromium pages, a full mesh of reliable JSON connections.
import { startPages } from "../interop/pages.mjs";

let meshes = 0;

/** `count` pages, each connected with each. `setup` is the milliseconds that each connection took to open. */
export async function pageMesh(count, broker) {
  // The broker keeps an id for a moment after its page is gone.
  const prefix = `bench${meshes += 1}x`;
  const { open, stop } = await startPages();
  const pages = [];
  for (let n = 0; n < count; n += 1) {
    const page = await open();
    await page.evaluate(join, [`${prefix}${n}`, Number(new URL(broker).port)]);
    pages.push(page);
  }
  const setup = [];
  for (const [n, page] of pages.entries()) setup.push(...await page.evaluate(dial, [prefix, n]));
  for (const page of pages) await page.waitForFunction((count) => window.links.size === count - 1, count);
  return { pages, setup, stop };
}

/** Makes the page's Peer, which answers pings and notes when broadcasts arrive. */
const join = ([id, port]) => new Promise((resolve, reject) => {
  window.links = new Map();
  window.heard = new Map();
  window.take = (connection) => {
    connection.on("open", () => window.links.set(connection.peer, connection));
    connection.on("data", (data) => {
      if (data.ping !== undefined) connection.send({ pong: data.ping });
      if (data.pong !== undefined) window.pong?.(data.pong);
      if (data.broadcast !== undefined) window.heard.set(data.broadcast, performance.timeOrigin + performance.now());
    });
  };
  window.peer = new Peer(id, { host: "127.0.0.1", port, path: "/", config: { iceServers: [] } });
  window.peer.on("connection", window.take);
  window.peer.once("open", resolve);
  window.peer.once("error", reject);
});

/** Connects to every page that came before. */
const dial = async ([prefix, n]) => {
  const times = [];
  for (let other = 0; other < n; other += 1) {
    const begun = performance.now();
    const connection = window.peer.connect(`${prefix}${other}`, { serialization: "json", reliable: true });
    window.take(connection);
    await new Promise((resolve) => connection.once("open", resolve));
    times.push(performance.now() - begun);
  }
  return times;
};

/** Round trips of page 0 with page 1, in milliseconds. */
export const roundTrips = (page, rounds) => page.evaluate(async (rounds) => {
  const connection = [...window.links.values()][0];
  const times = [];
  for (let n = 0; n < rounds; n += 1) {
    const begun = performance.now();
    await new Promise((resolve) => { window.pong = resolve; connection.send({ ping: n, text: "How are you today?" }); });
    times.push(performance.now() - begun);
  }
  return times;
}, rounds);

/** One message to all: milliseconds until the last page has it. */
export async function broadcast(pages, n) {
  const begun = await pages[0].evaluate((n) => {
    for (const connection of window.links.values()) connection.send({ broadcast: n, text: "Hello, everybody!" });
    return performance.timeOrigin + performance.now();
  }, n);
  const heard = await Promise.all(pages.slice(1).map((page) => page.waitForFunction((n) => window.heard.get(n), n).then((handle) => handle.jsonValue())));
  return Math.max(...heard) - begun;
}
