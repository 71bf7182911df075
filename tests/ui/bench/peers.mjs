// Natter's side of the benchmarks: headless peers that talk over real links through our broker.
import { once } from "node:events";
import { createInterface } from "node:readline";
import { ended, Peer, start } from "../peer.mjs";

/** A broker of ours on a free port. */
export async function startBroker() {
  const child = start(["broker", "--listen", "127.0.0.1:0", "--max-per-address", "0", "--max-sockets", "1000"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const url = /(https?:\/\/\S+)/.exec(line)?.[1];
  if (!url) throw new Error(`the broker said: ${line}`);
  return { url, stop: () => ended(child) };
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
