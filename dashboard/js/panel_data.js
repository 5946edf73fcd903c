// From points of runs to the aligned columns that uPlot draws.

/**
 * @param {{id: string, series: {points: object[]}}[]} runs
 * @param {{key: string, value: (point: object) => number|null}[]} lines
 * @param {(tables: number[][][]) => number[][]} join uPlot.join
 * @returns {{data: number[][], columns: {run: object, line: object}[], points: number, last: number|null}}
 *   `points` counts figures that can be seen; `last` is the latest virtual second with one
 */
export function alignLines(runs, lines, join) {
  const tables = [];
  const columns = [];
  let points = 0;
  let last = null;
  for (const run of runs) {
    const source = run.series.points;
    const table = [source.map((point) => point.t)];
    for (const line of lines) {
      const values = source.map((point) => line.value(point) ?? null);
      table.push(values);
      columns.push({ run, line });
      points += values.reduce((sum, value) => sum + (value === null ? 0 : 1), 0);
      const lastIndex = values.findLastIndex((value) => value !== null);
      if (lastIndex >= 0) last = Math.max(last ?? -Infinity, source[lastIndex].t);
    }
    if (lines.length > 0) tables.push(table);
  }
  const data = tables.length === 0 ? [[]] : tables.length === 1 ? tables[0] : join(tables);
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
