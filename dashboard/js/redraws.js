// Drawing in small portions: what can be seen first, the rest now and then, a few milliseconds per frame, so that the
// page stays smooth however much there is to draw.

/** A frame of 60 per second lasts 16.7 ms; what is left is the browser's. */
const FRAME_BUDGET_MS = 6;
/** Between two drawings of what cannot be seen. */
const UNSEEN_MS = 120;
/** What is drawn on a canvas is painted after the frame's scripts. A frame that came late for it is followed by a rest
 *  of so many times the delay: what is drawn more often than the machine can paint makes the page stick. */
const REST = 8;
/** But no longer than this: on a machine that is busy with other things frames are late whatever is drawn. */
const REST_MAX_MS = 300;
const FRAME_MS = 17;

export class Redraws {
  #waiting = new Map();
  #seen = new WeakSet();
  #known = new WeakSet();
  #frame = null;
  #lastUnseen = -Infinity;
  /** When something was drawn last, and until when nothing is. */
  #drawnAt = null;
  #restUntil = -Infinity;
  #observer;
  #environment;

  /** @param {{requestAnimationFrame?: Function, now?: () => number, Observer?: Function}} environment for tests */
  constructor(environment = {}) {
    this.#environment = {
      requestAnimationFrame: environment.requestAnimationFrame ?? ((callback) => requestAnimationFrame(callback)),
      now: environment.now ?? (() => performance.now())
    };
    this.#observer = new (environment.Observer ?? IntersectionObserver)(
      (entries) => this.#observe(entries), { rootMargin: '60px' });
  }

  /** Draws once, soon; of several drawings of the same element only the last is done. */
  schedule(element, draw) {
    if (!this.#known.has(element)) {
      this.#known.add(element);
      this.#observer.observe(element);
    }
    this.#waiting.set(element, draw);
    this.#ask();
  }

  #observe(entries) {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.#seen.add(target);
      else this.#seen.delete(target);
    }
    if (this.#waiting.size > 0) this.#ask();
  }

  #ask() {
    this.#frame ??= this.#environment.requestAnimationFrame(() => this.#draw());
  }

  /** At least one thing per frame, or nothing would ever be done on a slow machine. */
  #draw() {
    this.#frame = null;
    const began = this.#environment.now();
    if (this.#drawnAt !== null) {
      this.#restUntil = began + Math.min(REST_MAX_MS, REST * Math.max(0, began - this.#drawnAt - FRAME_MS));
      this.#drawnAt = null;
    }
    if (began < this.#restUntil) return void this.#goOn();
    for (const element of [...this.#waiting.keys()].filter((item) => this.#seen.has(item))) {
      this.#do(element);
      if (this.#environment.now() - began > FRAME_BUDGET_MS) return void this.#goOn();
    }
    const [unseen] = this.#waiting.keys();
    if (unseen !== undefined && began - this.#lastUnseen >= UNSEEN_MS) {
      this.#lastUnseen = began;
      this.#do(unseen);
    }
    this.#goOn();
  }

  #goOn() {
    if (this.#waiting.size > 0 || this.#drawnAt !== null) this.#ask();
  }

  #do(element) {
    this.#drawnAt ??= this.#environment.now();
    const draw = this.#waiting.get(element);
    this.#waiting.delete(element);
    draw();
  }
}

/** Of the page. */
export const redraws = globalThis.IntersectionObserver === undefined ? null : new Redraws();
