// Where the person is: which room, which pane. It lives in the history, so that Back means back on a phone.
import { Store } from "./store.js";

/** @typedef {{room: string | null, details: boolean, depth: number}} Route */

/** Below this the panes come one at a time; from WIDE on all three stand side by side. */
export const NARROW = matchMedia("(width < 700px)");
export const WIDE = matchMedia("(width >= 1100px)");

/** @returns {Route} */
const fromHistory = () => ({ room: history.state?.room ?? null, details: history.state?.details ?? false, depth: history.state?.depth ?? 0 });

export const route = new Store(fromHistory());
/** Whether the details stand beside the timeline where there is room for them. */
export const sideDetails = new Store(true);

/** @param {Partial<Route>} change @param {"push" | "replace"} how */
function go(change, how) {
  const next = { ...route.value, ...change };
  if (how === "push") next.depth += 1;
  history[how === "push" ? "pushState" : "replaceState"](next, "");
  route.set(next);
}

/** @param {string} room */
export function openRoom(room) {
  if (route.value.room === room && !route.value.details) return;
  // On a phone a room stands one step above the list; elsewhere rooms replace each other.
  go({ room, details: false }, NARROW.matches && route.value.room === null ? "push" : "replace");
}

export function closeRoom() {
  if (NARROW.matches && route.value.depth > 0) history.back();
  else go({ room: null, details: false }, "replace");
}

/** Takes the room away without a trace in the history: it is gone. */
export const forgetRoom = () => go({ room: null, details: false, depth: 0 }, "replace");

export function toggleDetails() {
  if (WIDE.matches) sideDetails.set(!sideDetails.value);
  else if (route.value.details) closeDetails();
  else go({ details: true }, "push");
}

export function closeDetails() {
  if (WIDE.matches) sideDetails.set(false);
  else if (route.value.details && route.value.depth > 0) history.back();
  else go({ details: false }, "replace");
}

addEventListener("popstate", () => {
  // Back closes what lies on top first.
  const open = [...document.querySelectorAll("dialog[open]")].at(-1);
  if (open instanceof HTMLDialogElement) {
    open.requestClose?.() ?? open.close();
    history.pushState(route.value, "");
    return;
  }
  route.set(fromHistory());
});
