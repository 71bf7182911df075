// Our peers meet through the unmodified npm `peer` 1.0.2 server, at its usual address and at another path.
// node interop/stock.mjs   (NATTER_CLI names another binary than target/debug/natter-cli)
import assert from "node:assert/strict";
import { once } from "node:events";
import { PeerServer } from "peer";
import { Peer } from "../peer.mjs";
import { check, report } from "./report.mjs";

/** The stock server; `stop` also ends the sockets that it serves. */
async function startStock(options) {
  const server = await new Promise((resolve) => {
    PeerServer({ host: "127.0.0.1", ...options }, resolve).on("error", () => {});
  });
  const sockets = new Set();
  server.on("connection", (socket) => { sockets.add(socket); socket.once("close", () => sockets.delete(socket)); });
  const stop = async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { port: server.address().port, stop };
}

const joined = (room, count) => (change) => change.type === "room" && change.room.id === room && change.room.members.filter((m) => m.presence === "online").length === count;

/** Everybody says something, and everybody hears it. */
async function talk(peers, room, round) {
  for (const peer of peers) {
    const words = `${peer.name}, round ${round}`;
    const heard = Promise.all(peers.filter((other) => other !== peer).map((other) => other.text(room, words)));
    await peer.send({ type: "sendText", room, text: words });
    for (const { found } of await heard) assert.equal(found, true);
  }
}

async function start(name, broker) {
  const peer = new Peer(name, broker);
  await once(peer, "snapshot");
  return peer;
}

async function comeIn(peers, name, broker, room, link) {
  const peer = await start(name, broker);
  const everyone = [...peers, peer];
  const linked = Promise.all(everyone.map((one) => one.until(`${everyone.length} online`, joined(room, everyone.length))));
  await peer.send({ type: "join", link });
  await linked;
  return everyone;
}

for (const path of ["/", "/friends"]) {
  await check(`three of ours meet through the stock server at ${path}, outlive it, and a fourth comes when it is back`, async () => {
    const options = { path, port: 0 };
    let stock = await startStock(options);
    const broker = `http://127.0.0.1:${stock.port}${path}`;
    let peers = [await start("Ada", broker)];
    try {
      const { room } = await peers[0].send({ type: "createRoom", name: "Stock" });
      const { invite } = await peers[0].send({ type: "createInvite", room, uses: 0, approval: false });
      peers = await comeIn(peers, "Ben", broker, room, invite.link);
      peers = await comeIn(peers, "Cleo", broker, room, invite.link);
      await talk(peers, room, 1);
      await stock.stop();
      await talk(peers, room, 2);
      stock = await startStock({ ...options, port: stock.port });
      peers = await comeIn(peers, "Dan", broker, room, invite.link);
      await talk(peers, room, 3);
    } finally {
      for (const peer of peers) await peer.end();
      await stock.stop();
    }
  });
}

report();
