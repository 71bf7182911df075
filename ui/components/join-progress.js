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

/** The steps of a knock, in these words; `show` says whether it goes on. @param {(key: string) => string} say */
export function progressSteps(say) {
  const steps = h("ol", { class: "steps" });
  const end = h("div", { class: "join-end", role: "status" });
  /** @param {JoinProgress} progress */
  const show = (progress) => {
    const at = progress === "admitted" ? STEPS.length : STEPS.indexOf(progress);
    steps.hidden = at < 0;
    steps.replaceChildren(...STEPS.map((step, i) => {
      const state = i < at ? "done" : i === at ? "now" : "later";
      return h("li", { class: `step ${state}`, "aria-current": i === at ? "step" : null }, h("span", { class: "step-mark", "aria-hidden": "true" }, i < at ? icon("check") : null),
        h("div", null, h("p", { class: "step-title", text: say(step) }), i === at ? h("p", { class: "quiet", text: say(`${step}Means`) }) : null));
    }));
    end.replaceChildren(...(at < 0 ? [icon("warn", "icon badge bad"), h("p", { class: "step-title", text: say(progress) }), h("p", { class: "quiet", text: say(`${progress}Means`) })] : []));
    return at >= 0;
  };
  return { box: h("div", { class: "join-steps" }, steps, end), show };
}

/** @param {string} asked the room, or the invite while only its words are known */
export function followJoin(asked) {
  let room = asked;
  const steps = progressSteps((key) => t(`join.${key}`));
  const mine = h("p", { class: "quiet join-mine" });
  const cancel = button(t("join.cancel"), () => {
    app.send({ type: "cancelJoin", room }).catch(complain);
    close();
  });
  const later = button(t("join.background"), () => close(), { class: "button primary" });
  let seen = false;

  const update = () => {
    const { joins, rooms, me } = app.state.value;
    const join = joins.find((j) => j.room === room || j.asked === room);
    if (join) room = join.room;
    if (rooms.some((r) => r.id === room && r.standing === "member")) return close(), openRoom(room);
    if (!join) return seen ? close() : undefined;
    seen = true;
    const goesOn = steps.show(join.progress);
    mine.hidden = join.progress !== "waitingForApproval" || !me;
    if (me) mine.replaceChildren(t("join.yourFingerprint"), " ", h("span", { class: "mono", text: me.fingerprint }));
    const label = cancel.querySelector("span");
    if (label) label.textContent = t(goesOn ? "join.cancel" : "join.forget");
    later.hidden = !goesOn;
  };
  const stop = app.state.watch(update);
  const name = app.state.value.joins.find((j) => j.room === room)?.roomName;
  const { close } = openDialog({ title: name ? t("join.titleNamed", { room: name }) : t("join.title"), body: [steps.box, mine], actions: [cancel, later], size: "small", onclose: stop });
  update();
}
