// The timeline of an AFD step: rows in the chain's order, bars as shares of the length.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { AFD_RESOURCES, afdTimeline } from '../../dashboard/js/afd.js';

const visit = (layer, stage, resource, begin_ns, end_ns) => ({ layer, stage, resource, begin_ns, end_ns });
const STEP = {
  idle: { attention: 0.25, forward: 0.5, gather: 1, ffn: 0, reduce: 1, return: 0.5 },
  timeline: [visit(30, 0, 'attention', 0, 20), visit(30, 0, 'forward', 20, 30), visit(30, 0, 'ffn', 30, 70),
    visit(30, 0, 'return', 70, 80),
    visit(30, 1, 'attention', 20, 40), visit(30, 1, 'forward', 40, 40), visit(30, 1, 'ffn', 70, 100)],
};

test('the resources are those of the cost model, in its order', async () => {
  const source = await readFile(new URL('../../replay/cost/afd/afd_cost.hpp', import.meta.url), 'utf8');
  const names = source.match(/k_resource_names = \{([^}]*)\}/)[1].match(/"[a-z]+"/g).map((name) => name.slice(1, -1));
  assert.deepEqual(AFD_RESOURCES.map(({ key }) => key), names);
});

test('rows are the resources that are visited; bars are shares of the length', () => {
  const { lengthNs, rows } = afdTimeline(STEP);
  assert.equal(lengthNs, 100);
  assert.deepEqual(rows.map(({ resource, idle }) => [resource.key, idle]), [['attention', 0.25], ['forward', 0.5],
    ['ffn', 0], ['return', 0.5]]);
  assert.deepEqual(rows[0].bars, [{ stage: 0, layer: 30, from: 0, width: 0.2, ns: 20 },
    { stage: 1, layer: 30, from: 0.2, width: 0.2, ns: 20 }]);
});

test('a visit without time has no bar', () => {
  assert.equal(afdTimeline(STEP).rows[1].bars.length, 1);
});
