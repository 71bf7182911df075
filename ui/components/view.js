import { app } from "../stores/app.js";

/** A custom element that builds itself once and updates when its sources change. */
export class View extends HTMLElement {
  /** @type {(() => void)[]} */
  stops = [];
  built = false;

  /** What it depends on. @returns {import("../stores/store.js").Store<any>[]} */
  sources() {
    return [app.state];
  }

  connectedCallback() {
    if (!this.built) {
      this.built = true;
      this.build();
    }
    this.stops = this.sources().map((store) => store.watch(() => this.update()));
    this.update();
  }

  disconnectedCallback() {
    for (const stop of this.stops) stop();
    this.stops = [];
  }

  /** Makes what stays. */
  build() {}

  /** Brings it to the state of its sources. */
  update() {}
}
