// A knock under way, in steps that a person understands.
import { app } from "../stores/app.js";
import { h, icon, button } from "../lib/dom.js";
import { t } from "../lib/i18n.js";
import { complain } from "../lib/errors.js";
import { openRoom } from "../stores/route.js";
import { openDialog } from "./dialog.js";

/** @typedef {import("../backend/api").JoinProgress} JoinProgress */

/** @type {JoinProgress[]} */
const STEPS = ["connecting", "waitingForMember", "waitingForApproval"];

/** @param {string} room */
export function followJoin(room) {
  const steps = h("ol", { class: "steps" });
  const end = h("div", { class: "join-end", role: "status" });
  const mine = h("p", { class: "quiet join-mine" });
  const cancel = button(t("join.cancel"), () => {
    app.send({ type: "cancelJoin", room }).catch(complain);
    close();
  });
  const later = button(t("join.background"), () => close(), { class: "button primary" });
  let seen = false;

  const update = () => {
    const { joins, rooms, me } = app.state.value;
    if (rooms.some((r) => r.id === room && r.standing === "member")) return close(), openRoom(room);
    const join = joins.find((j) => j.room === room);
    if (!join) return seen ? close() : undefined;
    seen = true;
    const at = join.progress === "admitted" ? STEPS.length : STEPS.indexOf(join.progress);
    steps.hidden = at < 0;
    steps.replaceChildren(...STEPS.map((step, i) => {
      const state = i < at ? "done" : i === at ? "now" : "later";
      return h("li", { class: `step ${state}`, "aria-current": i === at ? "step" : null }, h("span", { class: "step-mark", "aria-hidden": "true" }, i < at ? icon("check") : null),
        h("div", null, h("p", { class: "step-title", text: t(`join.${step}`) }), i === at ? h("p", { class: "quiet", text: t(`join.${step}Means`) }) : null));
    }));
    mine.hidden = join.progress !== "waitingForApproval" || !me;
    if (me) mine.replaceChildren(t("join.yourFingerprint"), " ", h("span", { class: "mono", text: me.fingerprint }));
    end.replaceChildren(...(at < 0 ? [icon("warn", "icon badge bad"), h("p", { class: "step-title", text: t(`join.${join.progress}`) }), h("p", { class: "quiet", text: t(`join.${join.progress}Means`) })] : []));
    const label = cancel.querySelector("span");
    if (label) label.textContent = at < 0 ? t("join.forget") : t("join.cancel");
    later.hidden = at < 0;
  };
  const stop = app.state.watch(update);
  const name = app.state.value.joins.find((j) => j.room === room)?.roomName;
  const { close } = openDialog({ title: name ? t("join.titleNamed", { room: name }) : t("join.title"), body: [steps, mine, end], actions: [cancel, later], size: "small", onclose: stop });
  update();
}
