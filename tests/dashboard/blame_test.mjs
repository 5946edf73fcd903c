// Blame arithmetic: the engine's causes, the largest first, means over windows.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { BLAME_CAUSES, blameRanking, meanBlame } from '../../dashboard/js/blame.js';

test('the causes are those of the engine, in its order', async () => {
  const source = await readFile(new URL('../../replay/sim/blame.hpp', import.meta.url), 'utf8');
  const names = source.match(/k_blame_cause_names = \{([^}]*)\}/)[1].match(/"[a-z_]+"/g)
    .map((name) => name.slice(1, -1));
  assert.deepEqual(BLAME_CAUSES.map(({ key }) => key), names);
});

test('causes are ranked by time, equal ones in order, those without time left out', () => {
  const ranking = blameRanking({ link: 5, token_budget: 7, kv_blocks: 5, pipeline: 0 });
  assert.deepEqual(ranking.map(({ cause, ns }) => [cause.key, ns]), [['token_budget', 7], ['kv_blocks', 5],
    ['link', 5]]);
  assert.deepEqual([blameRanking({}), blameRanking(undefined)], [[], []]);
});

test('the mean over windows weighs by finished requests', () => {
  assert.equal(meanBlame([{ finished: 1, blame_ns: { link: 10 } }, { finished: 3, blame_ns: { link: 90 } },
    { finished: 0, blame_ns: {} }]).link, 25);
  assert.equal(meanBlame([{ finished: 0, blame_ns: {} }]), null);
});

test('every cause is explained in a sentence', () => {
  for (const { key, text } of BLAME_CAUSES) assert.match(text, /^[A-Z].*\.$/, key);
});
