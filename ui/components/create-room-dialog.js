import { app } from "../stores/app.js";
import { openRoom } from "../stores/route.js";
import { button, h } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { words } from "../lib/errors.js";
import { openDialog } from "./dialog.js";
import { busy, field } from "./form.js";

export function openCreateRoom() {
  const name = field(t("create.name"), h("input", { type: "text", maxlength: "128", autocomplete: "off", placeholder: t("create.placeholder"), dir: "auto", autofocus: true }), { hint: t("create.hint") });
  const create = button(t("create.create"), () => {}, { type: "submit", class: "button primary", form: "create-room" });
  const form = h("form", { id: "create-room", novalidate: true }, name.box);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = name.input.value.trim();
    if (!wanted) return name.say(t("create.missing"));
    try {
      const reply = await busy(create, () => app.send({ type: "createRoom", name: wanted }));
      close();
      if (reply.type === "room") openWhenThere(reply.room);
    } catch (thrown) {
      name.say(words(thrown));
    }
  });
  const { close } = openDialog({ title: t("rooms.create"), body: [form], actions: [button(t("cancel"), () => close()), create], size: "small" });
}

/** The reply may come a moment before the room does. @param {string} room */
export function openWhenThere(room) {
  const there = () => app.state.value.rooms.some((r) => r.id === room);
  if (there()) return openRoom(room);
  const stop = app.state.watch(() => {
    if (!there()) return;
    stop();
    openRoom(room);
  });
}
