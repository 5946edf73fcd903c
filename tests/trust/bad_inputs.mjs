// Counts the named cases of bad input in the tests: rows of the tables in tests that refuse something, each an input
// with the answer that it must get. A table counts when its test, its function or its file says that it is about
// refusals. The rows run in the tests themselves and in the programs of tests/daemon/net; this only counts them. Prints
// the rows per file on standard error and one row for the table of ./dev trust.

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const LEAST = 500;
const root = new URL('..', import.meta.url).pathname;
const about = /bad|refus|wrong|malformed|invalid|error|mistake|unknown|reject|abuse|broken|impossible|misspel|violat/i;

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : path.endsWith('.cpp') ? [path] : [];
  });
}

// The text with comments blanked and the contents of strings and characters replaced by 's', so that braces are code.
function bare(text) {
  return text.replace(/R"(\w*)\([\s\S]*?\)\1"|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])'|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (found) =>
    found.startsWith('/') ? '' : '"s"');
}

// Direct children in braces of the list that opens at `open`; 0 when they hold no string.
function rows(code, open) {
  let depth = 0, count = 0, strings = false;
  for (let i = open; i < code.length; ++i) {
    if (code[i] === '{' && ++depth === 2) ++count;
    if (code[i] === '"' && depth > 1) strings = true;
    if (code[i] === '}' && --depth === 0) break;
  }
  return strings ? count : 0;
}

let total = 0;
const started = Date.now();
for (const path of sources(root).sort()) {
  const code = bare(readFileSync(path, 'utf8'));
  const name = relative(root, path);
  if (name.startsWith('system/')) continue;  // those look at our sources
  let count = 0;
  const openers = /(?:\w*cases\w*(?:\[\])?\s*=?\s*|\bexpect_\w+\(\s*|\bk_bad\w*\s*=\s*|\breturn\s*)\{/g;
  for (let match; (match = openers.exec(code)) !== null;) {
    const test = code.slice(0, match.index).match(/TEST(?:_F|_P)?\(\w+,\s*\w+\)/g)?.at(-1) ?? '';
    if (!about.test(name) && !about.test(test) && !about.test(match[0])) continue;
    count += rows(code, match.index + match[0].length - 1);
  }
  if (count > 0) console.error(`${String(count).padStart(5)} ${name}`);
  total += count;
}
console.log(`trust bad_input ${total} ${total < LEAST ? 1 : 0} ${((Date.now() - started) / 1000).toFixed(1)} ` +
  'named cases in tables of the tests, each with the answer it must get');
process.exit(total < LEAST ? 1 : 0);
