// The points of one run. Windows arrive live, in back-fills and after reconnects, in any order and at any
// coarseness; this class keeps one gap-free, duplicate-free line out of them. Scrapes of /metrics are kept
// beside them and drawn only while there are no windows.

import { pointOfGauges, pointOfWindow } from './points.js';

/** Beyond this many windows the owner should fetch them again, merged by the daemon (quantiles of merged
 *  windows cannot be computed from the quantiles of their parts). */
export const WINDOWS_MAX = 4000;
/** Scrapes kept: an hour at one a second. */
const SCRAPES_MAX = 3600;

const endOf = (window) => window.start_ns + window.length_ns;

export class RunSeries {
  #windows = [];
  #points = [];
  #scrapes = [];
  #lastGauges = null;
  /** Increases with every change; lets a panel skip a redraw. */
  version = 0;

  /** What the panels draw, ascending in time. */
  get points() { return this.#windows.length > 0 ? this.#points : this.#scrapes; }
  get windows() { return this.#windows; }
  /** Where a back-fill has to start so that nothing is missing. */
  get endNs() { return this.#windows.length > 0 ? endOf(this.#windows.at(-1)) : 0; }
  get needsCompaction() { return this.#windows.length > WINDOWS_MAX; }

  /** Merges windows into the line. Returns how many of them changed it. */
  addWindows(items) {
    const changed = items.filter((item) => this.#insert(item)).length;
    if (changed > 0) this.version += 1;
    return changed;
  }

  /** Replaces the whole line, e.g. by a coarser one from the API. Live windows beyond its end stay. */
  replaceWindows(items) {
    const end = items.length > 0 ? endOf(items.at(-1)) : 0;
    const tail = this.#windows.filter((window) => window.start_ns >= end);
    this.#windows = [...items, ...tail];
    this.#points = this.#windows.map(pointOfWindow);
    this.version += 1;
  }

  /** Adds the point of one scrape; a clock that stood still only refreshes the last point. */
  addScrape(gauges) {
    if (gauges.clock === null) return;
    const last = this.#scrapes.at(-1);
    if (last !== undefined && gauges.clock < last.t) this.#scrapes = [];
    if (last !== undefined && gauges.clock === last.t) {
      const kept = this.#scrapes.pop();
      this.#scrapes.push({ ...pointOfGauges(gauges, null), preemptionRate: kept.preemptionRate });
    } else {
      this.#scrapes.push(pointOfGauges(gauges, this.#lastGauges));
      this.#lastGauges = gauges;
    }
    if (this.#scrapes.length > SCRAPES_MAX) this.#scrapes.shift();
    this.version += 1;
  }

  #insert(item) {
    const [first, last] = this.#overlap(item);
    const overlapped = this.#windows.slice(first, last);
    if (overlapped.length > 0 && !supersedes(item, overlapped)) return false;
    this.#windows.splice(first, last - first, item);
    this.#points.splice(first, last - first, pointOfWindow(item));
    return true;
  }

  /** Index range of the windows that share virtual time with `item`; empty at the place of insertion. */
  #overlap(item) {
    let low = 0;
    let high = this.#windows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (endOf(this.#windows[middle]) <= item.start_ns) low = middle + 1;
      else high = middle;
    }
    let last = low;
    while (last < this.#windows.length && this.#windows[last].start_ns < endOf(item)) last += 1;
    return [low, last];
  }
}

/** Whether a window should take the place of those it overlaps: it is news of the same window, it covers
 *  a gap between them, or it reaches further than they do. Finer windows that say it all stay. */
function supersedes(item, overlapped) {
  if (overlapped.length === 1 && overlapped[0].start_ns === item.start_ns &&
      overlapped[0].length_ns === item.length_ns) return true;
  if (endOf(item) > endOf(overlapped.at(-1))) return true;
  const insideOne = overlapped.length === 1 && overlapped[0].start_ns <= item.start_ns;
  if (insideOne) return false;
  const covered = overlapped.reduce((sum, window) => sum + window.length_ns, 0);
  return covered < item.length_ns;
}
