// The edge between the page and whatever runs Natter's node: the Tauri window or `natter-cli serve`.

/** @typedef {import("./api").Command} Command */
/** @typedef {import("./api").Reply} Reply */
/** @typedef {import("./api").Snapshot} Snapshot */
/** @typedef {import("./api").Event} Event */
/** @typedef {import("./api").Staged} Staged */
/** @typedef {import("./api").Code} Code */

/**
 * @typedef {object} Listener what a connection tells
 * @property {(snapshot: Snapshot) => void} snapshot the whole state: once at first, again after every reconnect
 * @property {(event: Event) => void} event one change, in order
 * @property {(up: boolean) => void} link whether the backend can be reached; starts as reached
 */

/**
 * @typedef {object} Port
 * @property {(listener: Listener) => Promise<void>} connect resolves with the first snapshot told; rejects with a PortError
 * @property {(command: Command) => Promise<Reply>} send rejects with a PortError; nothing changed then
 * @property {(file: File) => Promise<Staged>} stage hands a picture over; rejects with a PortError
 * @property {(room: string, message: string, path: string, name: string) => Promise<boolean>} saveBlob saves a picture; false when the person thought better of it
 * @property {(path: string) => string} mediaUrl where the bytes of a media path are
 * @property {(text: string) => Promise<void>} copy
 * @property {(url: string) => Promise<void>} openExternal https and mailto only
 * @property {boolean} [inBrowser] whether the page is a browser's tab, which is closed without the app being asked
 * @property {(unread: number) => void} [setBadge]
 * @property {(open: (room: string) => void) => void} [onNotificationClick] where clicks on notifications come back
 */

/** What the page itself finds, besides the backend's codes. @typedef {Code | "linkLost" | "noToken" | "badToken"} PortCode */

/** A refusal: a code to choose words by, and the backend's own sentence for the log. */
export class PortError extends Error {
  /** @param {PortCode} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.name = "PortError";
    /** @type {PortCode} */
    this.code = code;
  }

  /** Whatever was thrown, as a PortError. @param {unknown} thrown */
  static from(thrown) {
    if (thrown instanceof PortError) return thrown;
    const error = /** @type {{code?: unknown, message?: unknown} | null} */ (typeof thrown === "object" ? thrown : null);
    if (typeof error?.code === "string") return new PortError(/** @type {PortCode} */ (error.code), String(error.message ?? ""));
    return new PortError("internal", String(error?.message ?? thrown));
  }
}

/** The backend that this page runs on. @returns {Promise<Port>} */
export async function choose() {
  if ("__TAURI__" in globalThis) return new (await import("./tauri.js")).TauriPort();
  return new (await import("./websocket.js")).WebSocketPort();
}
