// Fewer points where a chart has fewer pixels: of each stretch the lowest and the highest of every line stay, so that
// no peak is lost. Stroking thousands of short segments is what costs a browser without a graphics card most.

/** A stretch is at least so many pixels wide; it keeps two points. */
const STRETCH_PX = 4;

/** First index whose time is not before `t`. */
function indexOf(times, t) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @param {(number|null)[][]} data as uPlot takes it: times, then a column per line
 * @param {number} width of the plot in pixels
 * @param {{min: number, max: number}|null} range of times that is shown; null: all
 * @returns {(number|null)[][]} the same object where nothing is to be gained
 */
export function thinned(data, width, range) {
  const [times] = data;
  const from = range === null ? 0 : Math.max(0, indexOf(times, range.min) - 1);
  const to = range === null ? times.length : Math.min(times.length, indexOf(times, range.max) + 1);
  const stretches = Math.max(1, Math.floor(width / STRETCH_PX));
  const size = Math.ceil((to - from) / stretches);
  if (size <= 2) return data;
  const kept = data.map(() => []);
  for (let begin = from; begin < to; begin += size) {
    const end = Math.min(to, begin + size);
    // A stretch of one point, at the end, needs no second.
    if (end - begin === 1) {
      data.forEach((values, column) => kept[column].push(values[begin]));
      continue;
    }
    kept[0].push(times[begin], times[end - 1]);
    for (let column = 1; column < data.length; column += 1) kept[column].push(...extremes(data[column], begin, end));
  }
  return kept;
}

/** Lowest and highest of a stretch in the order in which they come; null where there is none. */
function extremes(values, begin, end) {
  let [lowest, highest] = [-1, -1];
  for (let index = begin; index < end; index += 1) {
    const value = values[index];
    if (value === null || value === undefined) continue;
    if (lowest < 0 || value < values[lowest]) lowest = index;
    if (highest < 0 || value >= values[highest]) highest = index;
  }
  if (lowest < 0) return [null, null];
  return lowest <= highest ? [values[lowest], values[highest]] : [values[highest], values[lowest]];
}
