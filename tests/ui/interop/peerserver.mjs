// The same scripted conversation with the npm `peer` 1.0.2 server and with OUR broker gives the same frames.
// node peerserver.mjs [path of natter-cli]   (or NATTER_CLI)
import assert from "node:assert/strict";
import { request } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { PeerServer } from "peer";
import { startBroker } from "./broker.mjs";
import { check, report } from "./report.mjs";
import { Script } from "./script.mjs";

const LIMIT = 4;

/** The stock server on a free port; frames that are not JSON would end it if nobody listened for errors. */
async function startStock(options) {
  const server = await new Promise((resolve) => {
    PeerServer({ host: "127.0.0.1", port: 0, ...options }, resolve).on("error", () => {});
  });
  const stop = () => { server.closeAllConnections(); server.close(); };
  return { url: new URL(`http://127.0.0.1:${server.address().port}${options.path}/`), stop };
}

const who = (id, token = `${id}-token`, key = "peerjs") => ({ key, id, token, version: "1.5.5" });
const payload = { sdp: { type: "offer", sdp: "v=0\r\n" }, connectionId: "dc_1", metadata: null, label: "Grüße 👋" };

const STORIES = {
  "offer, answer, candidates": async (script) => {
    await script.open("ann", who("ann"));
    await script.open("bob", who("bob"));
    await script.say("ann", { type: "OFFER", dst: "bob", payload });
    await script.say("bob", { type: "ANSWER", src: "somebody else", dst: "ann", payload, extra: 1 });
    for (let n = 0; n < 20; n += 1) await script.say("ann", { type: "CANDIDATE", payload: { n }, dst: "bob" });
    await script.say("ann", { type: "LEAVE", dst: "bob" });
    await script.say("ann", { type: "EXPIRE", dst: "bob", payload: null });
    await script.say("ann", { type: "HEARTBEAT" });
    await script.say("ann", { type: "OFFER", dst: "ann", payload: "to myself" });
  },
  "knocks that are refused": async (script) => {
    const refused = { attached: false };
    await script.open("nothing", {}, refused);
    await script.open("no id", { key: "peerjs", token: "t" }, refused);
    await script.open("no token", { key: "peerjs", id: "ann" }, refused);
    await script.open("no key", { id: "ann", token: "t" }, refused);
    await script.open("wrong key", who("ann", "t", "wrong"), refused);
    await script.open("ann", who("ann"));
    await script.open("taken", who("ann", "another token"), refused);
    for (let n = 1; n < LIMIT; n += 1) await script.open(`peer${n}`, who(`peer${n}`));
    await script.open("one too many", who("late"), refused);
    await script.open("taken comes before full", who("ann", "another token"), refused);
    await script.close("peer1");
    await script.open("in time", who("late"));
  },
  "an id is free when its socket closes": async (script) => {
    await script.open("ann", who("ann"));
    await script.open("bob", who("bob"));
    await script.close("ann");
    await script.open("another ann", who("ann", "another token"));
    await script.say("bob", { type: "OFFER", dst: "ann", payload });
  },
  "the same token reattaches without OPEN": async (script) => {
    await script.open("ann", who("ann"));
    await script.open("bob", who("bob"));
    script.clients.get("ann").replaced = true;
    await script.open("ann again", who("ann"));
    // Stock leaves the old socket open until its client closes it; ours closes it. Either way it ends without a status.
    await script.close("ann");
    await script.say("bob", { type: "OFFER", dst: "ann", payload });
    await script.say("ann again", { type: "ANSWER", dst: "bob", payload });
    await script.open("taken", who("ann", "another token"), { attached: false });
  },
  "what waits is delivered after OPEN": async (script) => {
    await script.open("ann", who("ann"));
    await script.open("eve", who("eve"));
    await script.say("ann", { type: "OFFER", dst: "bob", payload });
    await script.say("eve", { type: "OFFER", dst: "bob", payload });
    await script.say("ann", { type: "CANDIDATE", dst: "bob", payload: 1 });
    await script.say("ann", { type: "LEAVE", dst: "bob" });
    await script.say("ann", { type: "EXPIRE", dst: "bob" });
    await script.open("bob", who("bob"));
  },
  "what nobody fetches expires, once a sender": async (script) => {
    await script.open("ann", who("ann"));
    await script.open("eve", who("eve"));
    await script.say("ann", { type: "OFFER", dst: "bob", payload });
    await script.say("ann", { type: "CANDIDATE", dst: "bob", payload: 1 });
    await script.say("eve", { type: "ANSWER", dst: "bob", payload });
    await script.until("ann", "EXPIRE");
    await script.until("eve", "EXPIRE");
    await script.open("bob", who("bob"));
  },
  "nonsense changes nothing": async (script) => {
    await script.open("ann", who("ann"));
    await script.open("bob", who("bob"));
    const nonsense = ["", "not JSON", "null", "7", "[]", "{}", '"OFFER"', Buffer.from([0xff, 0, 0xfe])];
    for (const frame of nonsense) await script.say("ann", frame);
    for (const type of ["OPEN", "ERROR", "ID-TAKEN", "offer", 1, null]) await script.say("ann", { type, dst: "bob", payload });
    await script.say("ann", { type: "OFFER" });
    await script.say("ann", { type: "OFFER", dst: "" });
    await script.say("ann", Buffer.from(JSON.stringify({ type: "OFFER", dst: "bob", payload: "in a binary frame" })));
  },
};

/** What a page sees of an answer. */
async function answer(base, method, path, headers) {
  const [response] = await once(request(new URL(path, base), { method, headers, agent: false }).end(), "response");
  const body = await text(response);
  const cors = Object.entries(response.headers).filter(([name]) => name.startsWith("access-control") || name === "vary");
  const type = response.statusCode === 200 ? response.headers["content-type"].replace(/; *charset=utf-8/, "") : undefined;
  const words = (value) => value.toLowerCase().split(/, */).sort().join();
  const seen = { status: response.statusCode, type, cors: Object.fromEntries(cors.map(([name, value]) => [name, words(value)])) };
  return response.statusCode === 200 ? { ...seen, body: body.replace(/^[0-9a-f-]{36}$/, "UUID") } : seen;
}

const REQUESTS = [
  ["GET", ""], ["GET", "peerjs/id"], ["GET", "any/id?ts=1&version=1.5.5"], ["GET", "peerjs/peers"], ["HEAD", ""],
  ["OPTIONS", "peerjs/id"], ["GET", "peerjs/nothing"],
];

const stories = async (options, ours) => {
  const stock = await startStock({ ...options, concurrent_limit: LIMIT });
  const broker = await startBroker("--max-sockets", String(LIMIT), "--max-per-address", "0", ...ours);
  for (const [name, tell] of Object.entries(STORIES)) {
    await check(`${options.path}: ${name}`, async () => {
      const [expected, actual] = await Promise.all([stock, broker].map(async ({ url }) => {
        const script = new Script(url);
        await tell(script);
        const transcript = script.transcript();
        for (const client of script.clients.keys()) await script.close(client);
        return transcript;
      }));
      assert.ok(Object.values(expected).flat().length > 1);
      assert.deepEqual(actual, expected);
    });
  }
  for (const [method, path] of REQUESTS) {
    await check(`${options.path}: ${method} ${path}`, async () => {
      const headers = { origin: "http://page.example", "access-control-request-headers": "x-one" };
      const [expected, actual] = await Promise.all([stock, broker].map(({ url }) => answer(url, method, path, headers)));
      assert.deepEqual(actual, expected);
    });
  }
  stock.stop();
  await check(`${options.path}: our broker stops cleanly`, async () => assert.equal(await broker.stop(), 0));
};

await stories({ path: "" }, []);
await stories({ path: "/some/path", allow_discovery: true }, ["--path", "/some/path", "--allow-discovery"]);
report();
