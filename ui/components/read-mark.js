// What this person has read of one room: the line above the first unread message, and telling the others.
import { app } from "../stores/app.js";
import { roomOf } from "../stores/select.js";

const SETTLE_MS = 200;

export class ReadMark {
  /** The message above which the line stands while the room is open. @type {string | null} */
  divider = null;
  opened = false;
  /** The order of the newest message that was told as read. */
  told = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;

  /** @param {string} room */
  constructor(room) {
    this.room = room;
  }

  /** The line stays where it was when the room was opened, until something is written. @param {import("../backend/api").Room} room */
  open(room) {
    if (this.opened) return;
    this.opened = true;
    this.divider = room.unread > 0 ? room.firstUnread : null;
  }

  wrote() {
    this.divider = null;
  }

  /** The person sees this message. @param {import("../backend/api").Message} message */
  seen(message) {
    if (!document.hasFocus() || document.visibilityState !== "visible" || message.order <= this.told) return;
    const room = roomOf(this.room);
    if (!room || room.unread === 0) return;
    const timeline = app.state.value.timelines[this.room];
    const first = timeline?.messages.find((m) => m.id === room.firstUnread);
    // Far back in the history nothing that is new is seen.
    if (first ? message.order < first.order : timeline?.newer) return;
    this.pending = message;
    this.timer ??= setTimeout(() => this.tell(), SETTLE_MS);
  }

  tell() {
    this.timer = undefined;
    const message = this.pending;
    if (!message || message.order <= this.told) return;
    this.told = message.order;
    app.send({ type: "markRead", room: this.room, message: message.id }).catch(() => (this.told = ""));
  }
}
