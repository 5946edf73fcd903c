// From the rows of an answer to what a chart can draw: which columns, which series, lines or bars.

const X_NAMES = /^(minute|hour|day|second|seconds|thousands|slot|t|time|start_ns|arrived_ns|at_ns)$/;
const SERIES_NAMES = /^(run_id|run|scenario|replica|pool|name|slo_class|outcome)$/;
/** More colours than that nobody tells apart. */
const SERIES_MAX = 8;
const BARS_MAX = 60;

const isNumber = (value) => typeof value === 'number';

/** Columns that hold numbers, and NULL at most besides. */
export function numericColumns({ columns, rows }) {
  return columns.filter((_, index) => rows.some((row) => isNumber(row[index])) &&
      rows.every((row) => isNumber(row[index]) || row[index] === null));
}

/**
 * The columns to draw: those that are wished where the answer has them, else what names and values suggest.
 * @param {{columns: string[], rows: any[][]}} answer
 * @param {{x?: string, y?: string, series?: string}} wished
 * @returns {{x: string, y: string, series: string|null}|null} null where nothing can be drawn
 */
export function chooseColumns(answer, wished) {
  const numeric = numericColumns(answer);
  const known = (name) => (answer.columns.includes(name) ? name : undefined);
  const x = known(wished.x) ?? answer.columns.find((name) => X_NAMES.test(name)) ??
    answer.columns.find((name) => !numeric.includes(name)) ?? answer.columns[0];
  const y = (numeric.includes(wished.y) ? wished.y : undefined) ??
    numeric.filter((name) => name !== x && !SERIES_NAMES.test(name)).at(-1);
  if (answer.rows.length === 0 || x === undefined || y === undefined) return null;
  const series =
    wished.series === ''
      ? null
      : (known(wished.series) ??
        answer.columns.find(
          (name) =>
            name !== x &&
            name !== y &&
            SERIES_NAMES.test(name) &&
            distinct(answer, name) > 1 &&
            distinct(answer, name) <= SERIES_MAX
        ) ??
        null);
  return { x, y, series: series === x || series === y ? null : series };
}

function distinct({ columns, rows }, name) {
  const index = columns.indexOf(name);
  return new Set(rows.map((row) => row[index])).size;
}

/**
 * Lines over a numeric x with values that repeat between series only, else bars.
 * @returns {{kind: 'lines'|'bars', groups: {name: string, points: {x: any, y: number|null}[]}[], left: number}} `left`
 *     counts what is not drawn:
 *   series beyond SERIES_MAX, bars beyond BARS_MAX
 */
export function groupRows({ columns, rows }, { x, y, series }) {
  const [xi, yi, si] = [x, y, series].map((name) => columns.indexOf(name));
  const groups = new Map();
  for (const row of rows) {
    const name = series === null ? y : `${series} ${row[si]}`;
    if (!groups.has(name)) groups.set(name, { name, points: [] });
    groups.get(name).points.push({ x: row[xi], y: row[yi] });
  }
  const all = [...groups.values()];
  const shown = all.slice(0, SERIES_MAX);
  const ordered = rows.every((row) => isNumber(row[xi])) &&
    shown.every(({ points }) => new Set(points.map((point) => point.x)).size === points.length && points.length > 2);
  if (ordered) {
    for (const group of shown) group.points.sort((a, b) => a.x - b.x);
    return { kind: 'lines', groups: shown, left: all.length - shown.length };
  }
  let room = BARS_MAX;
  const bars = shown.map((group) => {
    const points = group.points.slice(0, room);
    room -= points.length;
    return { ...group, points };
  });
  return { kind: 'bars', groups: bars, left: rows.length - bars.reduce((sum, { points }) => sum + points.length, 0) };
}

/** RFC 4180: quoted where needed, CRLF between lines; NULL is empty. */
export function csvOf({ columns, rows }) {
  const cell = (value) => {
    const text = value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(',')).join('\r\n');
}
