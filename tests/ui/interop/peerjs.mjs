// Two pages with the unmodified npm `peerjs` 1.5.5 meet through OUR broker and talk.
// node peerjs.mjs [path of natter-cli]   (or NATTER_CLI; or BROKER_URL for one that runs already)
import assert from "node:assert/strict";
import { startBroker } from "./broker.mjs";
import { startPages } from "./pages.mjs";
import { check, report } from "./report.mjs";

const given = process.env.BROKER_URL;
const broker = given ? { url: new URL(given), stop: async () => 0 } : await startBroker();
const options = { host: broker.url.hostname, port: Number(broker.url.port), path: broker.url.pathname, config: { iceServers: [] } };

/** Makes a Peer in the page and waits for its id; `id` undefined asks the broker for one. */
const join = (page, id) => page.evaluate(([id, options]) => new Promise((resolve, reject) => {
  window.peer = id === undefined ? new Peer(options) : new Peer(id, options);
  peer.once("open", resolve);
  peer.once("error", (error) => reject(new Error(error.type)));
}), [id, options]);

/** Waits for a connection and one message, echoes it back, and says who it was. */
const answer = (page) => page.evaluate(() => {
  window.answered = new Promise((resolve) => peer.once("connection", (connection) => {
    connection.once("data", (data) => {
      const bytes = data instanceof ArrayBuffer || ArrayBuffer.isView(data);
      connection.send(data);
      resolve({ from: connection.peer, serialization: connection.serialization, data: bytes ? `${data.byteLength} bytes` : data });
    });
  }));
});

/** Connects, sends one message, and resolves to what came back. */
const ask = (page, to, serialization, data) => page.evaluate(([to, serialization, data]) => new Promise((resolve, reject) => {
  const connection = peer.connect(to, { serialization, reliable: true });
  const message = data.bytes ? new Uint8Array(data.bytes).fill(7) : data;
  connection.once("error", reject);
  peer.once("error", (error) => reject(new Error(error.type)));
  connection.once("open", () => connection.send(message));
  connection.once("data", (echo) => resolve(data.bytes ? { bytes: echo.byteLength } : echo));
}), [to, serialization, data]);

const error = (page, act, argument) => page.evaluate(([act, argument]) => new Promise((resolve) => {
  const failing = act === "connect" ? peer : new Peer(argument.id, argument.options);
  failing.once("error", ({ type }) => resolve(type));
  if (act === "connect") failing.connect(argument.id);
}), [act, argument]);

const pages = await startPages();
try {
  const [ann, bob] = [await pages.open(), await pages.open()];
  let id;
  await check("a page chooses its id, another asks the broker for one", async () => {
    assert.equal(await join(ann, "ann"), "ann");
    id = await join(bob, undefined);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
  const messages = [
    ["json", { text: "Grüße 👋", list: [1, null, true] }],
    ["raw", "Grüße 👋"],
    ["binary", { text: "Grüße 👋", nested: { list: [1, 2.5, -3] } }],
    ["binary", { bytes: 200_000 }], // cut into pieces by PeerJS
  ];
  for (const [serialization, message] of messages) {
    for (const [asking, answering, from, to] of [[ann, bob, "ann", () => id], [bob, ann, () => id, "ann"]]) {
      const name = (who) => (typeof who === "function" ? who() : who);
      const size = message.bytes ? ` of ${message.bytes} bytes` : "";
      await check(`${serialization}${size}: ${asking === ann ? "there and back" : "and the other way"}`, async () => {
        await answer(answering);
        assert.deepEqual(await ask(asking, name(to), serialization, message), message);
        const heard = await answering.evaluate(() => answered);
        const data = message.bytes ? `${message.bytes} bytes` : message;
        assert.deepEqual(heard, { from: name(from), serialization, data });
      });
    }
  }
  await check("a taken id is refused", async () => {
    assert.equal(await error(bob, "new", { id: "ann", options }), "unavailable-id");
  });
  await check("a wrong key is refused", async () => {
    assert.equal(await error(bob, "new", { id: "eve", options: { ...options, key: "wrong" } }), "server-error");
  });
  await check("a peer who is not there is reported", async () => {
    assert.equal(await error(ann, "connect", { id: "nobody" }), "peer-unavailable");
  });
  await check("a page that lost its broker reconnects under its id and is found again", async () => {
    const again = await ann.evaluate(() => new Promise((resolve) => {
      peer.once("disconnected", () => { peer.once("open", resolve); peer.reconnect(); });
      peer.disconnect();
    }));
    assert.equal(again, "ann");
    await answer(ann);
    assert.equal(await ask(bob, "ann", "raw", "again"), "again");
  });
} finally {
  await pages.stop();
  await check("the broker stops cleanly", async () => assert.equal(await broker.stop("SIGINT"), 0));
}
report();
