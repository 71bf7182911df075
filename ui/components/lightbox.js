// A picture alone: zoom by wheel, pinch, double press or keys; who sent it and when; save; its neighbours by arrow.
import { app } from "../stores/app.js";
import { h, icon, iconButton } from "../lib/dom.js";
import { fullDate } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { personOf, roomOf } from "../stores/select.js";
import { avatar } from "./avatar.js";
import { show } from "./dialog.js";
import { savePicture } from "./message-menu.js";
import { Zoom } from "./zoom.js";

/** @typedef {import("../backend/api").Message} Message */

/** @param {string} roomId */
const picturesOf = (roomId) => (app.state.value.timelines[roomId]?.messages ?? []).filter((m) => m.body.type === "picture");

/** @param {string} roomId @param {string} id */
export function openLightbox(roomId, id) {
  const image = h("img", { class: "lightbox-image", alt: "", draggable: "false" });
  const stage = h("div", { class: "lightbox-stage" }, image);
  const zoom = new Zoom(stage, image);
  const from = h("div", { class: "lightbox-from" });
  const caption = h("p", { class: "lightbox-caption", dir: "auto" });
  const save = iconButton("save", t("picture.save"), () => shown && savePicture(roomId, shown));
  const bar = h("div", { class: "lightbox-bar" }, from,
    iconButton("zoom-out", t("lightbox.zoomOut"), () => zoom.by(1 / 1.5)), iconButton("zoom-in", t("lightbox.zoomIn"), () => zoom.by(1.5)), save, iconButton("close", t("close"), () => dialog.close(), { autofocus: true }));
  const previous = h("button", { type: "button", class: "lightbox-step previous", "aria-label": t("lightbox.previous"), onclick: () => step(-1) }, icon("back"));
  const next = h("button", { type: "button", class: "lightbox-step next", "aria-label": t("lightbox.next"), onclick: () => step(1) }, icon("next"));
  const dialog = h("dialog", { class: "lightbox", "aria-label": t("lightbox.label") }, bar, stage, previous, next, caption);
  /** @type {Message | undefined} */
  let shown;
  let path = "";

  /** @param {number} by */
  const step = (by) => {
    const all = picturesOf(roomId);
    const at = all.findIndex((m) => m.id === shown?.id) + by;
    if (all[at]) draw(all[at]);
  };
  /** @param {Message | undefined} message */
  const draw = (message) => {
    const room = roomOf(roomId);
    if (!room || message?.body.type !== "picture") return dialog.close();
    const { picture } = message.body;
    const here = picture.transfer.type === "here";
    const wanted = here ? picture.url : (picture.preview ?? "");
    if (shown?.id !== message.id) zoom.reset();
    shown = message;
    const person = personOf(room, message.author);
    from.replaceChildren(avatar(person, "small"), h("div", null, h("bdi", { class: "name", text: person.name }), h("time", { datetime: new Date(message.time).toISOString(), text: fullDate(message.time) })));
    caption.textContent = message.body.caption;
    caption.hidden = !message.body.caption;
    image.alt = picture.name;
    image.width = picture.width;
    image.height = picture.height;
    if (path !== wanted) image.src = wanted ? (app.port?.mediaUrl(wanted) ?? "") : "";
    path = wanted;
    save.hidden = !here;
    const all = picturesOf(roomId);
    previous.hidden = all[0]?.id === message.id;
    next.hidden = all.at(-1)?.id === message.id;
  };
  dialog.addEventListener("keydown", (event) => {
    const rtl = document.documentElement.dir === "rtl" ? -1 : 1;
    if (event.key === "ArrowLeft") step(-rtl);
    else if (event.key === "ArrowRight") step(rtl);
    else if (event.key === "+" || event.key === "=") zoom.by(1.5);
    else if (event.key === "-") zoom.by(1 / 1.5);
    else if (event.key === "0") zoom.reset();
    else return;
    event.preventDefault();
  });
  stage.addEventListener("click", (event) => {
    if (event.target === stage && !zoom.moved) dialog.close();
  });
  const stop = app.state.watch(() => draw(picturesOf(roomId).find((m) => m.id === shown?.id)));
  draw(picturesOf(roomId).find((m) => m.id === id));
  show(dialog, stop);
}
