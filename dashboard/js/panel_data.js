// From points of runs to the aligned columns that uPlot draws.

/** Alignments kept: the panels of a view show few different sets of runs. */
const KEPT = 6;
const kept = new Map();

/**
 * The instants of several runs as one ascending list, and where in it each point of each run lies. Runs of one stream
 * mostly share their windows, and all panels of a view their runs: the last answers are kept.
 * @param {{id: string, series: {points: object[], version?: number|string}}[]} runs
 * @returns {{times: number[], places: (Int32Array|null)[]}} null where a run has exactly these instants
 */
function alignTimes(runs) {
  const key = runs
    .map(
      ({ id, series: { points, version } }) => `${id}/${version}/${points.length}/${points[0]?.t}/${points.at(-1)?.t}`
    )
    .join();
  let aligned = kept.get(key);
  if (aligned === undefined) {
    aligned = unite(runs.map(({ series }) => series.points));
    if (kept.size >= KEPT) kept.delete(kept.keys().next().value);
    kept.set(key, aligned);
  }
  return aligned;
}

function unite(lists) {
  const first = lists[0] ?? [];
  const same = (points) => points.length === first.length && points.every((point, index) => point.t === first[index].t);
  if (lists.every(same)) return { times: first.map((point) => point.t), places: lists.map(() => null) };
  const times = [...new Set(lists.flatMap((points) => points.map((point) => point.t)))].sort((a, b) => a - b);
  const places = lists.map((points) => {
    let at = 0;
    return Int32Array.from(points, (point) => {
      while (times[at] < point.t) at += 1;
      return at;
    });
  });
  return { times, places };
}

/**
 * @param {{id: string, series: {points: object[]}}[]} runs
 * @param {{key: string, value: (point: object) => number|null}[]} lines
 * @returns {{data: number[][], columns: {run: object, line: object}[], points: number, last: number|null}}
 *   `data` as uPlot takes it; `points` counts figures that can be seen; `last` is the latest virtual second with one
 */
export function alignLines(runs, lines) {
  const { times, places } = alignTimes(runs);
  const data = [times];
  const columns = [];
  let points = 0;
  let last = null;
  runs.forEach((run, index) => {
    const source = run.series.points;
    for (const line of lines) {
      const column = places[index] === null ? new Array(source.length) : new Array(times.length).fill(null);
      let lastIndex = -1;
      for (let at = 0; at < source.length; at += 1) {
        const value = line.value(source[at]) ?? null;
        column[places[index] === null ? at : places[index][at]] = value;
        if (value === null) continue;
        points += 1;
        lastIndex = at;
      }
      if (lastIndex >= 0) last = Math.max(last ?? -Infinity, source[lastIndex].t);
      data.push(column);
      columns.push({ run, line });
    }
  });
  return { data, columns, points, last };
}

/** The last point at or before `t` (virtual seconds), or null. */
export function nearestBefore(points, t) {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].t <= t) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : points[low - 1];
}

/** The latest figure of a line; the last window may have had nothing to measure. Null if there never was one. */
export function lastKnown(points, line) {
  for (let index = points.length - 1; index >= 0; index -= 1) {
    const value = line.value(points[index]) ?? null;
    if (value !== null) return value;
  }
  return null;
}
