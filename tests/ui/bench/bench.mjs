// `make bench`: Natter beside PeerJS pages in Chromium, on this machine, in this run. Figures vary from run to run; the
// ratios are what counts. SIZES=4,8 for a short form.
import { once } from "node:events";
import { broadcast, pageMesh, roundTrips } from "./pages.mjs";
import { Peer } from "../peer.mjs";
import { mesh, startBroker } from "./peers.mjs";

const SIZES = (process.env.SIZES ?? "4,8,16,32").split(",").map(Number);
const ROUNDS = Number(process.env.ROUNDS ?? 300);
const CASTS = Number(process.env.CASTS ?? 50);
const IDLE_SECONDS = Number(process.env.IDLE ?? 10);

const rank = (times, share) => [...times].sort((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))];
const ms = (value) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
const line = (what, ...figures) => console.log(`${what.padEnd(44)}${figures.map((figure) => String(figure).padStart(14)).join("")}`);
const compare = (what, ours, theirs) => line(what, ms(ours), ms(theirs), `${(ours / theirs).toFixed(2)}x`);

line("", "Natter", "PeerJS", "ratio");

const broker = await startBroker();
await pairs();
for (const size of SIZES) await meshes(size);
await idle();
await broker.stop();

/** Link set-up and text round trips between two. */
async function pairs() {
  const { peers: [a, b], room } = await mesh(2, broker.url);
  const setups = [];
  for (let n = 0; n < 10; n += 1) {
    await b.stop();
    b.setups.length = 0;
    const online = a.until("b back", (change) => change.type === "room" && change.room.members.every((m) => m.presence === "online"));
    b.start();
    await online;
    await until(() => b.setups.length + a.setups.length > 0);
    setups.push(...b.setups, ...a.setups.splice(0));
  }
  const times = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const begun = performance.now();
    const there = b.text(room, `ping ${n}`);
    a.send({ type: "sendText", room, text: `ping ${n}` });
    await there;
    const back = a.text(room, `pong ${n}`);
    b.send({ type: "sendText", room, text: `pong ${n}` });
    times.push((await back).at - begun);
  }
  const { pages, setup, stop } = await pageMesh(2, broker.url);
  for (let n = 0; n < 9; n += 1) {
    const again = await pageMesh(2, broker.url);
    setup.push(...again.setup);
    await again.stop();
  }
  const theirs = await roundTrips(pages[0], ROUNDS);
  await stop();
  compare("offer to open channel, median", rank(setups, 0.5), rank(setup, 0.5));
  compare("text round trip, p50 (ours: sign, fsync, link, twice)", rank(times, 0.5), rank(theirs, 0.5));
  compare("text round trip, p99", rank(times, 0.99), rank(theirs, 0.99));
  for (const peer of [a, b]) await peer.end();
}

/** A message to everybody, and everybody coming back at once. */
async function meshes(size) {
  const { peers, room } = await mesh(size, broker.url);
  const times = [];
  for (let n = 0; n < CASTS; n += 1) {
    const all = peers.slice(1).map((peer) => peer.text(room, `cast ${n}`));
    const begun = performance.now();
    peers[0].send({ type: "sendText", room, text: `cast ${n}` });
    times.push(Math.max(...(await Promise.all(all)).map(({ at }) => at)) - begun);
  }
  for (const peer of peers) await peer.stop();
  const snapshots = peers.map((peer) => once(peer, "snapshot"));
  for (const peer of peers) peer.start();
  const whole = Promise.all(peers.map((peer) => peer.meshed(room, size)));
  await Promise.all(snapshots);
  const begun = performance.now();
  await whole;
  const opened = performance.now() - begun;
  for (const peer of peers) await peer.end();
  const { pages, stop } = await pageMesh(size, broker.url);
  const theirs = [];
  for (let n = 0; n < CASTS; n += 1) theirs.push(await broadcast(pages, n));
  await stop();
  compare(`broadcast to ${size}, p50`, rank(times, 0.5), rank(theirs, 0.5));
  compare(`broadcast to ${size}, p99`, rank(times, 0.99), rank(theirs, 0.99));
  line(`mesh of ${size}: all processes up to all linked`, ms(opened));
}

/** What a headless peer costs while nothing happens. */
async function idle() {
  for (const links of [0, 8, 31]) {
    const { peers } = links === 0 ? { peers: [await single()] } : await mesh(links + 1, broker.url);
    const before = peers[0].usage();
    await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
    const after = peers[0].usage();
    const share = (100 * (after.cpu - before.cpu)) / IDLE_SECONDS;
    line(`idle with ${links} links: RSS, CPU of a core`, `${after.rss.toFixed(1)} MiB`, `${share.toFixed(2)} %`);
    for (const peer of peers) await peer.end();
  }
}

async function single() {
  const peer = new Peer("alone", broker.url);
  await once(peer, "snapshot");
  return peer;
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
