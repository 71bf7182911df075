// Zooming and moving one picture inside its stage.

const LARGEST = 8;

export class Zoom {
  scale = 1;
  x = 0;
  y = 0;
  /** Whether the last press moved the picture rather than pressed. */
  moved = false;
  /** @type {Map<number, PointerEvent>} */
  fingers = new Map();

  /** @param {HTMLElement} stage @param {HTMLElement} image */
  constructor(stage, image) {
    this.stage = stage;
    this.image = image;
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.by(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
    }, { passive: false });
    stage.addEventListener("dblclick", (event) => (this.scale > 1 ? this.reset() : this.by(2.5, event.clientX, event.clientY)));
    stage.addEventListener("pointerdown", (event) => {
      this.moved = false;
      this.fingers.set(event.pointerId, event);
      if (this.scale > 1) stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel"]) stage.addEventListener(type, (event) => this.fingers.delete(/** @type {PointerEvent} */ (event).pointerId));
  }

  /** @param {number} factor @param {number} [x] page point that stays where it is @param {number} [y] */
  by(factor, x, y) {
    const box = this.stage.getBoundingClientRect();
    const dx = (x ?? box.left + box.width / 2) - box.left - box.width / 2;
    const dy = (y ?? box.top + box.height / 2) - box.top - box.height / 2;
    const scale = Math.min(LARGEST, Math.max(1, this.scale * factor));
    this.x = dx - ((dx - this.x) * scale) / this.scale;
    this.y = dy - ((dy - this.y) * scale) / this.scale;
    this.scale = scale;
    this.draw();
  }

  reset() {
    this.scale = 1;
    this.draw();
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const other = [...this.fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    this.fingers.set(event.pointerId, event);
    if (Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) > 2) this.moved = true;
    if (other) {
      const span = (/** @type {PointerEvent} */ finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
      this.by(span(event) / Math.max(1, span(before)), (event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2);
    } else if (this.scale > 1) {
      this.x += event.clientX - before.clientX;
      this.y += event.clientY - before.clientY;
      this.draw();
    }
  }

  draw() {
    // The picture never leaves the stage altogether.
    const reach = (/** @type {number} */ length) => (length * (this.scale - 1)) / 2;
    const { offsetWidth: width, offsetHeight: height } = this.image;
    this.x = this.scale === 1 ? 0 : Math.min(reach(width), Math.max(-reach(width), this.x));
    this.y = this.scale === 1 ? 0 : Math.min(reach(height), Math.max(-reach(height), this.y));
    this.image.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.stage.toggleAttribute("data-zoomed", this.scale > 1);
  }
}
