// Anchored scrolling: either stuck to the newest row, or pinned to the first row that the reader sees. After anything
// changes height (rows, pictures, the keyboard) the pinned row is put back where it was.

/** Closer to the end than this counts as at the end, in pixels. */
const END_PX = 48;

export class Scroller {
  stuck = true;
  /** Whether the last row of all is in the page. */
  atNewest = true;
  /** Where the view stood when it was last looked at. */
  lastTop = 0;
  /** @type {{key: string, top: number} | null} */
  pin = null;
  /** @type {ReadonlyMap<string, HTMLElement>} */
  rows = new Map();

  /** @param {HTMLElement} view scrolls @param {HTMLElement} content grows @param {() => void} onscroll */
  constructor(view, content, onscroll) {
    this.view = view;
    this.content = content;
    this.observer = new ResizeObserver(() => this.restore(this.rows));
    view.addEventListener("scroll", onscroll, { passive: true });
  }

  start() {
    this.observer.observe(this.view);
    this.observer.observe(this.content);
  }

  stop() {
    this.observer.disconnect();
  }

  above() {
    return this.view.scrollTop;
  }

  below() {
    return this.view.scrollHeight - this.view.scrollTop - this.view.clientHeight;
  }

  stick() {
    this.stuck = true;
    this.atNewest = true;
  }

  /** After the reader scrolled: what is seen now is what must stay. @param {ReadonlyMap<string, HTMLElement>} rows */
  remember(rows) {
    this.rows = rows;
    // The event comes a frame late: heights may have changed since. Only moving up lets go of the end.
    const up = this.view.scrollTop < this.lastTop - 1;
    this.stuck = this.atNewest && (this.below() <= END_PX || (this.stuck && !up));
    this.lastTop = this.view.scrollTop;
    this.pin = null;
    const edge = this.view.getBoundingClientRect().top;
    for (const [key, element] of rows) {
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom <= edge) continue;
      this.pin = { key, top: top - edge };
      break;
    }
  }

  /** After the page changed. @param {ReadonlyMap<string, HTMLElement>} rows */
  restore(rows) {
    this.rows = rows;
    // The reader has moved up and the event that says so is still on its way.
    if (this.stuck && this.view.scrollTop < this.lastTop - 1 && this.below() > END_PX) return this.remember(rows);
    if (this.stuck) {
      this.view.scrollTop = this.view.scrollHeight;
      this.lastTop = this.view.scrollTop;
      return;
    }
    const element = this.pin && rows.get(this.pin.key);
    if (!element || !this.pin) return;
    const moved = element.getBoundingClientRect().top - this.view.getBoundingClientRect().top - this.pin.top;
    if (Math.abs(moved) >= 1) this.view.scrollTop += moved;
    this.lastTop = this.view.scrollTop;
  }

  /** @param {HTMLElement} element @param {ReadonlyMap<string, HTMLElement>} rows */
  showUpper(element, rows) {
    this.put(element, this.view.clientHeight / 4, rows);
  }

  /** @param {HTMLElement} element @param {ReadonlyMap<string, HTMLElement>} rows */
  showMiddle(element, rows) {
    this.put(element, Math.max(0, (this.view.clientHeight - element.offsetHeight) / 2), rows);
  }

  /** @param {HTMLElement} element @param {number} from pixels below the upper edge @param {ReadonlyMap<string, HTMLElement>} rows */
  put(element, from, rows) {
    this.view.scrollTop += element.getBoundingClientRect().top - this.view.getBoundingClientRect().top - from;
    this.stuck = false;
    this.remember(rows);
  }

  /** The key of the last row that is seen whole, or whose end is. @param {ReadonlyMap<string, HTMLElement>} rows */
  lastVisible(rows) {
    const edge = this.view.getBoundingClientRect().bottom;
    const all = [...rows];
    for (let i = all.length - 1; i >= 0; i--) {
      if (all[i][1].getBoundingClientRect().bottom <= edge + 4) return all[i][0];
    }
    return null;
  }
}
