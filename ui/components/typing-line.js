// Who is typing, under the messages. Its place is always there, so that nothing moves when somebody begins.
import { app } from "../stores/app.js";
import { typing } from "../stores/live.js";
import { personOf, roomOf } from "../stores/select.js";
import { h, setText } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { View } from "./view.js";

class TypingLine extends View {
  sources() {
    return [app.state, typing];
  }

  build() {
    // Seen, not read aloud: it comes and goes every few seconds.
    this.words = h("span", { class: "typing-words", dir: "auto" });
    this.line = h("div", { class: "typing-line", hidden: true }, h("span", { class: "typing-dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")), this.words);
    this.append(this.line);
  }

  update() {
    const room = roomOf(this.dataset.room ?? null);
    const devices = room ? (typing.value[room.id] ?? []).filter((device) => room.members.some((m) => m.device === device && !m.own)) : [];
    if (!this.line || !this.words || !room) return;
    this.line.hidden = devices.length === 0;
    const [a = "", b = ""] = devices.map((device) => personOf(room, device).name);
    const words = devices.length === 1 ? t("typing.one", { name: a }) : devices.length === 2 ? t("typing.two", { name: a, other: b }) : t("typing.many");
    setText(this.words, devices.length === 0 ? "" : words);
  }
}

customElements.define("natter-typing", TypingLine);
