// Reader of the Prometheus text exposition format 0.0.4. Strict: a line that is not well formed is an error
// that names the line, because a page that shows half of the truth is worse than one that says so.

/** Thrown for text that is not an exposition; `line` counts from 1. */
export class ExpositionError extends Error {
  constructor(line, detail) {
    super(`/metrics line ${line}: ${detail}`);
    this.name = 'ExpositionError';
    this.line = line;
  }
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const ESCAPES = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/**
 * Parses a whole exposition.
 * @param {string} text
 * @returns {Map<string, {type: string|null, samples: {labels: Object<string,string>, value: number}[]}>} by
 *   sample name (a histogram's `_bucket`, `_sum` and `_count` are names of their own, without type).
 */
export function parseExposition(text) {
  const families = new Map();
  const family = (name) => {
    if (!families.has(name)) families.set(name, { type: null, samples: [] });
    return families.get(name);
  };
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (line === '') return;
    if (line.startsWith('#')) {
      const [, keyword, name, type] = line.split(/\s+/);
      if (keyword === 'TYPE') family(name).type = type ?? null;
      return;
    }
    const { name, labels, value } = parseSample(line, index + 1);
    family(name).samples.push({ labels, value });
  });
  return families;
}

function parseSample(line, number) {
  NAME.lastIndex = 0;
  const match = NAME.exec(line);
  if (match === null) throw new ExpositionError(number, `expected a metric name, found '${line.slice(0, 20)}'`);
  const name = match[0];
  let position = name.length;
  let labels = {};
  if (line[position] === '{') [labels, position] = parseLabels(line, position + 1, number);
  const [value] = line.slice(position).trim().split(/\s+/);
  return { name, labels, value: parseValue(value, name, number) };
}

function parseLabels(line, start, number) {
  const labels = {};
  let position = start;
  for (;;) {
    while (line[position] === ' ' || line[position] === ',') position += 1;
    if (line[position] === '}') return [labels, position + 1];
    NAME.lastIndex = position;
    const match = NAME.exec(line);
    if (match === null) throw new ExpositionError(number, `expected a label name at column ${position + 1}`);
    position += match[0].length;
    if (line.slice(position, position + 2) !== '="') {
      throw new ExpositionError(number, `expected =" after label '${match[0]}'`);
    }
    const [value, end] = parseQuoted(line, position + 2, match[0], number);
    labels[match[0]] = value;
    position = end;
  }
}

function parseQuoted(line, start, label, number) {
  let end = start;
  while (end < line.length && line[end] !== '"') end += line[end] === '\\' ? 2 : 1;
  if (end >= line.length) throw new ExpositionError(number, `the value of label '${label}' has no closing quote`);
  const value = line.slice(start, end).replace(/\\[\\"n]/g, (escape) => ESCAPES[escape]);
  return [value, end + 1];
}

function parseValue(text, name, number) {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  if (text === 'NaN') return NaN;
  const value = text === '' || text === undefined ? NaN : Number(text);
  if (Number.isNaN(value)) {
    throw new ExpositionError(number, `expected a number as the value of ${name}, found '${text ?? ''}'`);
  }
  return value;
}
