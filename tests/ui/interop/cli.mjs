// `natter-cli broker` as its owner meets it: where it serves, a port in use, bad options, a clean end.
// node cli.mjs [path of natter-cli]   (or NATTER_CLI)
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { cli, startBroker } from "./broker.mjs";
import { check, report, within } from "./report.mjs";

const USAGE = 64; // EX_USAGE of sysexits.h; 2 is kept for a port in use

/** Runs to the end: exit code and what was printed. */
async function run(...args) {
  const child = spawn(cli, ["broker", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  const [[code], stdout, stderr] = await within(`broker ${args.join(" ")}`, ended);
  return { code, stdout, stderr };
}

await check("a port in use is named, with exit code 2 and nothing on stdout", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address();
  const { code, stdout, stderr } = await run("--listen", `127.0.0.1:${port}`).finally(() => taken.close());
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, new RegExp(`port ${port} is in use`));
});
await check("an address that is not ours is named", async () => {
  const { code, stderr } = await run("--listen", "203.0.113.1:9000");
  assert.notEqual(code, 0);
  assert.match(stderr, /203\.0\.113\.1 is not an address of this machine/);
});
for (const [option, value, words] of [["--path", "/{key}", /is not a path/], ["--listen", "nowhere", /nowhere/], ["--max-sockets", "-1", /max-sockets/]]) {
  await check(`${option} ${value} is refused in words`, async () => {
    const { code, stderr } = await run(`${option}=${value}`);
    assert.equal(code, USAGE);
    assert.match(stderr, words);
  });
}
for (const signal of ["SIGINT", "SIGTERM"]) {
  await check(`${signal} ends it cleanly and frees the port`, async () => {
    const broker = await startBroker("--path", "some/path");
    assert.equal(broker.url.pathname, "/some/path/");
    assert.equal((await fetch(new URL("peerjs/id", broker.url))).status, 200);
    assert.equal(await broker.stop(signal), 0);
    await assert.rejects(fetch(broker.url));
  });
}
await check("an empty key is refused", async () => {
  const { code, stderr } = await run("--listen", "127.0.0.1:0", "--key", "");
  assert.equal(code, USAGE);
  assert.match(stderr, /key/);
});
report();
