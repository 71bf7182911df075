// Joining: paste, see what it is, knock, and follow the knock in plain words.
import { app } from "../stores/app.js";
import { button, h, icon } from "../lib/dom.js";
import { dateTime } from "../lib/format.js";
import { list, t } from "../lib/i18n.js";
import { words } from "../lib/errors.js";
import { openRoom } from "../stores/route.js";
import { openWhenThere } from "./create-room-dialog.js";
import { roomAvatar } from "./avatar.js";
import { openDialog } from "./dialog.js";
import { busy, field } from "./form.js";
import { followJoin } from "./join-progress.js";

const READ_AFTER_MS = 120;

/** @param {string} [knocking] a room that is already being knocked at */
export function openJoin(knocking) {
  if (knocking) return followJoin(knocking);
  const text = field(t("join.paste"), h("textarea", { rows: "3", class: "mono", placeholder: "natter://join#…", spellcheck: "false", autocomplete: "off", autocapitalize: "none", autofocus: true, dir: "ltr" }), { hint: t("join.hint") });
  const found = h("div", { class: "join-found", "aria-live": "polite" });
  const join = button(t("join.knock"), () => knock(), { class: "button primary", disabled: true });
  /** @type {import("../backend/api").InvitePreview | null} */
  let preview = null;
  let whole = false;
  let asked = 0;
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;

  const read = async () => {
    const mine = ++asked;
    const pasted = text.input.value.trim();
    preview = null;
    whole = false;
    /** @type {Node[]} */
    let shown = [];
    if (pasted) {
      try {
        const reply = await app.send({ type: "readInvite", text: pasted });
        if (mine !== asked) return;
        if (reply.type === "invitePreview") {
          preview = reply.preview;
          shown = [previewCard(reply.preview)];
        }
        if (reply.type === "spokenInvite") {
          whole = reply.spoken.state === "whole";
          shown = [wordsCard(reply.spoken)];
        }
      } catch (thrown) {
        if (mine !== asked) return;
        text.say(words(thrown));
      }
    }
    found.replaceChildren(...shown);
    join.disabled = !preview && !whole;
    const label = join.querySelector("span");
    if (label) label.textContent = preview?.alreadyMember ? t("join.openRoom") : t("join.knock");
  };
  text.input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(read, READ_AFTER_MS);
  });
  text.input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    knock();
  });

  const knock = async () => {
    if (!preview && !whole) return;
    if (preview?.alreadyMember) return close(), openRoom(preview.room);
    try {
      const reply = await busy(join, () => app.send({ type: "join", link: text.input.value.trim() }));
      close();
      if (reply.type === "room") app.state.value.rooms.some((r) => r.id === reply.room) ? openWhenThere(reply.room) : followJoin(reply.room);
    } catch (thrown) {
      text.say(words(thrown));
    }
  };
  const { close } = openDialog({ title: t("rooms.join"), body: [text.box, found], actions: [button(t("cancel"), () => close()), join] });
}

/** @param {import("../backend/api").InvitePreview} preview */
function previewCard(preview) {
  const lines = preview.alreadyMember
    ? [h("p", { class: "quiet", text: t("join.already") })]
    : [h("p", { class: "quiet", text: t("join.until", { time: dateTime(preview.expires) }) }), preview.brokers.length > 0 ? h("p", { class: "quiet" }, icon("meeting"), h("span", { text: t("join.through", { hosts: list(preview.brokers) }) })) : null];
  return h("div", { class: "preview-card" }, roomAvatar({ id: preview.room, name: preview.roomName }, "large"), h("div", null, h("p", { class: "quiet", text: t("join.invited") }), h("p", { class: "preview-name", dir: "auto", text: preview.roomName }), ...lines));
}

/** How far the eight words are understood. @param {import("../backend/api").SpokenInvite} spoken */
function wordsCard({ words: said, of, state }) {
  const chip = (/** @type {import("../backend/api").SpokenWord} */ { typed, word }) =>
    h("li", { class: word ? "heard" : "unheard" }, h("span", { text: word ?? typed }), word ? null : h("span", { class: "sr-only", text: t("join.wordUnknown") }));
  const known = said.filter(({ word }) => word).length;
  const line = { unfinished: () => t("join.wordsSoFar", { count: known, of }), tooMany: () => t("join.wordsTooMany", { of }), misheard: () => t("join.wordsMisheard"), whole: () => t("join.wordsWhole", { of }) }[state]();
  return h("div", { class: `preview-card words-card ${state}` }, h("div", null, h("ol", { class: "said-words", dir: "ltr", lang: "en", "aria-label": t("join.words") }, ...said.map(chip)), h("p", { class: "quiet", text: line })));
}
