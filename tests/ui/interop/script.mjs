// One scripted conversation with a broker, told as a transcript. It knows no broker's answers: it waits for quiet.
//
// Quiet without a clock: each socket sends a marked LEAVE to itself. Its return proves that the broker has dealt with all
// that this socket sent before and has delivered all that came for it; two rounds settle what passed between sockets.
import { WebSocket } from "ws";
import { once } from "node:events";
import { within } from "./report.mjs";

const MARK = "settled?";

export class Script {
  #base;
  #marks = 0;
  clients = new Map();

  constructor(url) {
    this.#base = new URL("peerjs", url);
    this.#base.protocol = "ws:";
  }

  /** Opens a socket under a name of the script. `query` is what it says of itself; `attached` whether it gets an id. */
  async open(name, query, { attached = true } = {}) {
    const url = new URL(this.#base);
    url.search = new URLSearchParams(query);
    const socket = new WebSocket(url);
    const client = { socket, id: query.id, heard: [], marks: new Set(), waiting: [] };
    client.closed = new Promise((resolve) => socket.once("close", (code, reason) => {
      client.heard.push(`closed ${code} ${reason}`);
      resolve();
    }));
    socket.on("error", (error) => client.heard.push(`error ${error.message}`));
    socket.on("message", (data, binary) => {
      const frame = JSON.parse(data);
      if (frame.payload?.[MARK]) client.marks.add(frame.payload[MARK]);
      else client.heard.push(`${binary ? "binary " : ""}${JSON.stringify(frame)}`);
      client.waiting.forEach((look) => look());
    });
    this.clients.set(name, client);
    await within(`${name}'s socket`, once(socket, "open"));
    await (attached ? this.settle() : within(`${name}'s close`, client.closed));
  }

  /** Sends a frame: an object as JSON, a string or bytes as they are. */
  async say(name, frame) {
    const raw = typeof frame === "string" || Buffer.isBuffer(frame);
    this.clients.get(name).socket.send(raw ? frame : JSON.stringify(frame));
    await this.settle();
  }

  /** Closes from this side, or waits for the other side's close if it comes first. */
  async close(name) {
    const client = this.clients.get(name);
    client.socket.close();
    await within(`${name}'s close`, client.closed);
    await this.settle();
  }

  /** Waits until `name` has heard a frame of this type. */
  async until(name, type) {
    const client = this.clients.get(name);
    await this.#when(client, `${type} at ${name}`, () => client.heard.some((frame) => frame.includes(`"type":"${type}"`)));
    await this.settle();
  }

  async settle() {
    for (let round = 0; round < 2; round += 1) {
      for (const [name, client] of this.clients) {
        if (client.socket.readyState !== WebSocket.OPEN || client.replaced) continue;
        const mark = (this.#marks += 1);
        client.socket.send(JSON.stringify({ type: "LEAVE", dst: client.id, payload: { [MARK]: mark } }));
        await this.#when(client, `quiet at ${name}`, () => client.marks.has(mark));
      }
    }
  }

  /** All that every client heard, in its order. */
  transcript() {
    return Object.fromEntries([...this.clients].map(([name, { heard }]) => [name, heard]));
  }

  async #when(client, what, holds) {
    let look;
    const held = new Promise((resolve) => { look = () => holds() && resolve(); });
    client.waiting.push(look);
    look();
    await within(what, held);
    client.waiting.splice(client.waiting.indexOf(look), 1);
  }
}
