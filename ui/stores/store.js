// A value that tells when it was replaced. Watchers run once per turn, however often it changed in it.

/** @template T */
export class Store extends EventTarget {
  /** @param {T} value */
  constructor(value) {
    super();
    /** @type {T} */
    this.value = value;
    this.told = true;
  }

  /** @param {T} value */
  set(value) {
    if (value === this.value) return;
    this.value = value;
    if (!this.told) return;
    this.told = false;
    queueMicrotask(() => {
      this.told = true;
      this.dispatchEvent(new Event("change"));
    });
  }

  /** @param {(value: T) => void} listener @returns {() => void} stops it */
  watch(listener) {
    const run = () => listener(this.value);
    this.addEventListener("change", run);
    return () => this.removeEventListener("change", run);
  }
}
