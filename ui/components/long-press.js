// Touch has no hover and no second button: holding a finger still does what they do.

const LONG_PRESS_MS = 450;
const LONG_PRESS_SLOP_PX = 10;
/** Presses that somebody inside answers to. @type {WeakSet<PointerEvent>} */
const taken = new WeakSet();

/** @param {HTMLElement} element @param {() => void} act */
export function longPress(element, act) {
  element.addEventListener("pointerdown", (press) => {
    if (press.pointerType !== "touch" || taken.has(press)) return;
    taken.add(press);
    const aborter = new AbortController();
    const stop = () => (clearTimeout(timer), aborter.abort());
    const timer = setTimeout(() => {
      stop();
      // Letting go is not a press as well.
      addEventListener("touchend", (event) => event.preventDefault(), { once: true, passive: false });
      act();
    }, LONG_PRESS_MS);
    const { signal } = aborter;
    for (const type of ["pointerup", "pointercancel"]) addEventListener(type, stop, { signal });
    addEventListener("pointermove", (move) => {
      if (Math.hypot(move.clientX - press.clientX, move.clientY - press.clientY) > LONG_PRESS_SLOP_PX) stop();
    }, { signal });
  });
}
