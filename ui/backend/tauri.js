// The Tauri window: commands over IPC, events over one channel, bytes over the `natter-media` scheme.
import { copyText } from "../lib/clipboard.js";
import { PortError } from "./port.js";

/** @typedef {import("./port.js").Port} Port */
/** @typedef {import("./port.js").Listener} Listener */

/** @implements {Port} */
export class TauriPort {
  constructor() {
    /** @type {any} */
    const tauri = /** @type {any} */ (globalThis).__TAURI__;
    this.core = tauri.core;
    this.events = tauri.event;
    /** `natter-media://localhost/`, or `http://natter-media.localhost/` where the webview wants it so. */
    this.mediaBase = String(this.core.convertFileSrc("", "natter-media"));
  }

  /** @param {string} command @param {any} [args] @param {any} [options] */
  async invoke(command, args, options) {
    try {
      return await this.core.invoke(command, args, options);
    } catch (thrown) {
      throw PortError.from(thrown);
    }
  }

  /** @param {Listener} listener */
  async connect(listener) {
    /** @type {PromiseWithResolvers<void>} */
    const first = Promise.withResolvers();
    const channel = new this.core.Channel();
    channel.onmessage = (/** @type {any} */ message) => {
      if (message.snapshot) {
        listener.snapshot(message.snapshot);
        first.resolve();
      } else {
        listener.event(message);
      }
    };
    await this.invoke("subscribe", { channel });
    await first.promise;
  }

  /** @param {import("./api").Command} command */
  send(command) {
    return this.invoke("request", { command });
  }

  /** @param {File} file */
  async stage(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    return this.invoke("stage", bytes, { headers: { "x-name": encodeURIComponent(file.name) } });
  }

  /** @param {string} room @param {string} message */
  async saveBlob(room, message) {
    return (await this.invoke("save_blob", { room, message })) !== false;
  }

  /** @param {string} path */
  mediaUrl(path) {
    return this.mediaBase + path;
  }

  /** @param {string} text */
  copy(text) {
    return copyText(text);
  }

  /** @param {string} url */
  openExternal(url) {
    return this.invoke("open_external", { url });
  }

  /** @param {(room: string) => void} open */
  onNotificationClick(open) {
    this.events.listen("natter:open-room", (/** @type {any} */ { payload }) => payload.room && open(payload.room));
  }
}
