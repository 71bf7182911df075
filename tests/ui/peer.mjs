// A headless device: a `natter-cli peer --json` process, driven and listened to.
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CLI = process.env.NATTER_CLI ?? fileURLToPath(new URL("../../target/debug/natter-cli", import.meta.url));
const TICKS = 100; // USER_HZ on every Linux that Natter runs on

const children = new Set();
// A bench that fails leaves nothing running.
process.on("exit", () => { for (const child of children) child.kill(); });

/** Starts the CLI, and ends it with this process. @param {string[]} args @param {import("node:child_process").SpawnOptions} options */
export function start(args, options) {
  const child = spawn(CLI, args, options);
  children.add(child);
  child.once("exit", () => children.delete(child));
  return child;
}

/** Asks a process to end, and waits. */
export const ended = async (child) => {
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
