// Natter's side of the benchmarks: `natter-cli peer --json` processes that talk over real links through our broker.
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const CLI = process.env.NATTER_CLI ?? "target/release/natter-cli";
const TICKS = 100; // USER_HZ on every Linux that Natter runs on

const children = new Set();
// A bench that fails leaves nothing running.
process.on("exit", () => { for (const child of children) child.kill(); });

/** Starts the CLI. @param {string[]} args @param {import("node:child_process").SpawnOptions} options */
function start(args, options) {
  const child = spawn(CLI, args, options);
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** A broker of ours on a free port. */
export async function startBroker() {
  const child = start(["broker", "--listen", "127.0.0.1:0", "--max-per-address", "0", "--max-sockets", "1000"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const url = /(https?:\/\/\S+)/.exec(line)?.[1];
  if (!url) throw new Error(`the broker said: ${line}`);
  return { url, stop: () => ended(child) };
}

const ended = async (child) => {
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
};

/** One headless peer. Emits "event" with every change it tells. */
export class Peer extends EventEmitter {
  #next = 1;
  #waiting = new Map();
  setups = [];

  constructor(name, broker, dir = mkdtempSync(join(tmpdir(), "natter-bench-"))) {
    super();
    this.setMaxListeners(100);
    Object.assign(this, { name, broker, dir });
    this.start();
  }

  start() {
    const args = ["peer", "--json", "--data-dir", this.dir, "--name", this.name, "--broker", this.broker, "--no-lan", "--unprotected", "--no-embedded-broker"];
    const env = { ...process.env, RUST_LOG: "natter_net::actor=debug" };
    this.child = start(args, { stdio: ["pipe", "pipe", "pipe"], env });
    createInterface({ input: this.child.stdout }).on("line", (line) => this.#take(JSON.parse(line), performance.now()));
    createInterface({ input: this.child.stderr }).on("line", (line) => {
      const setup = /setup_us=(\d+)/.exec(line);
      if (setup) this.setups.push(Number(setup[1]) / 1000);
    });
  }

  #take(line, at) {
    if (line.type === "reply") this.#waiting.get(line.id)?.resolve(line.reply);
    else if (line.type === "error") this.#waiting.get(line.id)?.reject(new Error(`${line.error.code}: ${line.error.message}`));
    else if (line.type === "snapshot") this.emit("snapshot", line.snapshot);
    else if (line.change) this.emit("event", line.change, at);
  }

  send(command) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.child.stdin.write(`${JSON.stringify({ id, command })}\n`);
    return answer.finally(() => this.#waiting.delete(id));
  }

  /** The first change that `pick` takes, with the time at which it was told. */
  until(what, pick, ms = 120_000) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { this.off("event", look); reject(new Error(`${this.name} waited in vain for: ${what}`)); }, ms);
      const look = (change, at) => {
        const found = pick(change);
        if (!found) return;
        clearTimeout(timer);
        this.off("event", look);
        resolve({ found, at });
      };
      this.on("event", look);
    });
  }

  /** Resolves when all `count` members of the room are online for this peer. */
  meshed(room, count) {
    const online = (change) => change.type === "room" && change.room.id === room && change.room.members.filter((m) => m.presence === "online").length === count;
    return this.until(`${count} online`, online);
  }

  text(room, text) {
    return this.until(text, (change) => change.type === "message" && change.room === room && change.message.body.text === text);
  }

  /** Resident memory in MiB, CPU seconds so far. */
  usage() {
    const status = readFileSync(`/proc/${this.child.pid}/status`, "utf8");
    const stat = readFileSync(`/proc/${this.child.pid}/stat`, "utf8").split(") ")[1].split(" ");
    return { rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024, cpu: (Number(stat[11]) + Number(stat[12])) / TICKS };
  }

  async stop() {
    await ended(this.child);
  }

  async end() {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A room of `count` peers, all linked with all. */
export async function mesh(count, broker) {
  const peers = [new Peer("peer-0", broker)];
  await once(peers[0], "snapshot");
  const { room } = await peers[0].send({ type: "createRoom", name: "Bench" });
  const { invite } = await peers[0].send({ type: "createInvite", room, uses: 0, approval: false });
  for (let n = 1; n < count; n += 1) {
    const peer = new Peer(`peer-${n}`, broker);
    await once(peer, "snapshot");
    const all = Promise.all([...peers, peer].map((p) => p.meshed(room, n + 1)));
    await peer.send({ type: "join", link: invite.link });
    await all;
    peers.push(peer);
  }
  return { peers, room };
}
