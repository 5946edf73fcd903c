// The questions of the page are those of storage/README.md.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { QUESTIONS, questionFor, SEARCH_QUESTIONS } from '../../dashboard/js/questions.js';

test('the page asks the questions of storage/README.md, word for word', async () => {
  const text = await readFile(new URL('../../storage/README.md', import.meta.url), 'utf8');
  const [, section] = /^## \w+ questions\n([^]*?)^## /m.exec(text);
  const documented = [...section.matchAll(/^```sql\n([^]*?)\n```$/gm)].map(([, sql]) => sql);
  assert.ok(documented.length >= 12);
  assert.deepEqual(QUESTIONS.slice(0, documented.length).map((question) => questionFor(question, 1)), documented);
});

test('the page asks the questions of replay/search/README.md, word for word', async () => {
  const text = await readFile(new URL('../../replay/search/README.md', import.meta.url), 'utf8');
  const [, section] = /^## Questions\n([^]*?)^## /m.exec(text);
  assert.deepEqual(SEARCH_QUESTIONS.map(({ sql }) => sql),
    [...section.matchAll(/^```sql\n([^]*?)\n```$/gm)].map(([, sql]) => sql));
});

test('a question is about the run that is chosen', () => {
  const one = QUESTIONS.find(({ sql }) => sql.includes('RUN'));
  assert.match(questionFor(one, 42), /run_id = 42/);
  assert.doesNotMatch(questionFor(one, 42), /RUN/);
});

test('every title is one of its own', () => assert.equal(new Set(QUESTIONS.map(({ title }) => title)).size,
  QUESTIONS.length));
