// `natter-cli serve`: one WebSocket on loopback carries Request, Response and Event as JSON; bytes travel by HTTP. The
// one-time token comes in the address that the CLI prints, and leaves the address bar at once.
import { copyText } from "../lib/clipboard.js";
import { PortError } from "./port.js";

/** @typedef {import("./port.js").Port} Port */
/** @typedef {import("./port.js").Listener} Listener */
/** @typedef {import("./api").Reply} Reply */

const FIRST_RETRY_MS = 300;
const LAST_RETRY_MS = 5_000;
const TOKEN_KEY = "natter.token";

function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN_KEY, given);
    history.replaceState(history.state, "", location.pathname + location.search);
  }
  return given ?? sessionStorage.getItem(TOKEN_KEY);
}

/** @implements {Port} */
export class WebSocketPort {
  inBrowser = true;

  constructor() {
    this.token = takeToken() ?? "";
    /** @type {WebSocket | null} */
    this.socket = null;
    this.lastId = 0;
    /** @type {Map<number, PromiseWithResolvers<Reply>>} */
    this.waiting = new Map();
    this.retry = FIRST_RETRY_MS;
  }

  /** @param {Listener} listener @returns {Promise<void>} */
  connect(listener) {
    if (!this.token) return Promise.reject(new PortError("noToken", "the address has no token"));
    return new Promise((resolve, reject) => this.open(listener, resolve, reject));
  }

  /** @param {Listener} listener @param {() => void} [resolve] @param {(error: PortError) => void} [reject] */
  open(listener, resolve, reject) {
    const url = new URL(`/api?token=${encodeURIComponent(this.token)}`, location.href.replace(/^http/, "ws"));
    const socket = new WebSocket(url);
    this.socket = socket;
    let greeted = false;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "snapshot") {
        greeted = true;
        this.retry = FIRST_RETRY_MS;
        listener.link(true);
        listener.snapshot(message.snapshot);
        resolve?.();
      } else if ("rev" in message) {
        listener.event(message);
      } else {
        this.settle(message);
      }
    };
    socket.onclose = () => {
      for (const { reject: refuse } of this.waiting.values()) refuse(new PortError("linkLost", "the connection closed"));
      this.waiting.clear();
      listener.link(false);
      // Never greeted: the token is of an older run, or nobody listens any more. Say so, and go on trying.
      if (!greeted && reject) reject(new PortError("badToken", "the backend did not greet"));
      setTimeout(() => this.open(listener), this.retry);
      this.retry = Math.min(this.retry * 2, LAST_RETRY_MS);
    };
  }

  /** @param {import("./api").Response} response */
  settle(response) {
    const waiting = this.waiting.get(Number(response.id));
    if (!waiting) return;
    this.waiting.delete(Number(response.id));
    if (response.type === "reply") waiting.resolve(response.reply);
    else waiting.reject(PortError.from(response.error));
  }

  /** @param {import("./api").Command} command @returns {Promise<Reply>} */
  send(command) {
    if (this.socket?.readyState !== WebSocket.OPEN) return Promise.reject(new PortError("linkLost", "not connected"));
    /** @type {PromiseWithResolvers<Reply>} */
    const waiting = Promise.withResolvers();
    const id = ++this.lastId;
    this.waiting.set(id, waiting);
    this.socket.send(JSON.stringify({ id, command }));
    return waiting.promise;
  }

  /** @param {File} file */
  async stage(file) {
    const headers = { "X-Name": encodeURIComponent(file.name), Authorization: `Bearer ${this.token}` };
    const response = await fetch("/stage", { method: "POST", headers, body: file }).catch(() => {
      throw new PortError("linkLost", "the upload did not get through");
    });
    const body = await response.json().catch(() => ({ code: "internal", message: `status ${response.status}` }));
    if (!response.ok) throw PortError.from(body.error ?? body);
    return body.staged ?? body;
  }

  /** @param {string} _room @param {string} _message @param {string} path @param {string} name */
  async saveBlob(_room, _message, path, name) {
    const anchor = document.createElement("a");
    anchor.href = this.mediaUrl(path);
    anchor.download = name;
    anchor.click();
    return true;
  }

  /** @param {string} path */
  mediaUrl(path) {
    const url = new URL(`/media/${path}`, location.origin);
    url.searchParams.set("token", this.token);
    return url.href;
  }

  /** @param {string} text */
  copy(text) {
    return copyText(text);
  }

  /** @param {string} url */
  async openExternal(url) {
    window.open(url, "_blank", "noopener,noreferrer");
  }
}
