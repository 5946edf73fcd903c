// What is shown: the newest stream, a chosen one, or runs of the history; from the API or from labels alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExposition } from '../../dashboard/js/exposition.js';
import { Hub } from '../../dashboard/js/hub.js';
import { readRunGauges } from '../../dashboard/js/metrics_reader.js';

const stream = (name, created, state, runs) => ({ name, created_ms: created, state, runs });
const run = (id, scenario, name = 's', color = 0) => ({ id, scenario, stream: name, color });

test('the newest busy stream is shown, else the newest', () => {
  const hub = new Hub();
  assert.equal(hub.shownStream, null);
  hub.setStreams([stream('new', 3, 'finished', []), stream('busy', 2, 'running', []),
    stream('old', 1, 'finished', [])]);
  assert.equal(hub.shownStream, 'busy');
  hub.mergeStreams([stream('busy', 2, 'finished', [])]);
  assert.equal(hub.shownStream, 'new');
});

test('a chosen stream stays shown, and a partial message drops no other', () => {
  const hub = new Hub();
  hub.setStreams([stream('a', 1, 'finished', [run(1, 'x', 'a')]), stream('b', 2, 'running', [])]);
  hub.selection = { stream: 'a', runs: null };
  hub.mergeStreams([stream('b', 2, 'running', [])]);
  assert.deepEqual(hub.shownRuns.map(({ id, label }) => [id, label]), [['1', 'x']]);
});

test('runs of one scenario are told apart by stream or id', () => {
  const hub = new Hub();
  hub.setRuns([run(1, 'x', 'a'), run(2, 'x', 'b'), run(3, 'y', 'b')]);
  hub.selection = { stream: null, runs: ['1', '2', '3'] };
  assert.deepEqual(hub.shownRuns.map(({ label }) => label), ['x · a', 'x · b', 'y']);
  hub.setRuns([run(2, 'x', 'a')]);
  assert.deepEqual(hub.shownRuns.map(({ label }) => label), ['x #1', 'x #2', 'y']);
});

test('runs that claim one colour get different ones', () => {
  const hub = new Hub();
  hub.setRuns([run(1, 'x', 'a', 3), run(2, 'y', 'a', 3)]);
  hub.selection = { stream: null, runs: ['1', '2'] };
  assert.deepEqual(hub.shownRuns.map(({ colorIndex }) => colorIndex), [3, 4]);
});

test('without an API the labels of the exposition make streams and runs', () => {
  const hub = new Hub();
  hub.setSource('api', 'failed', 'no');
  hub.setGauges(readRunGauges(parseExposition('replayd_virtual_clock_seconds{stream="s",scenario="x",run="5"} ' +
    '12\nreplayd_ttft_objective_seconds{stream="s",scenario="x",run="5"} 2')));
  const [shown] = hub.shownRuns;
  assert.deepEqual([shown.label, shown.virtual_ns, shown.slo.ttft_ns, shown.series.points.length], ['x', 12e9, 2e9, 1]);
});

test('unreachable means that neither source answers', () => {
  const hub = new Hub();
  hub.setSource('metrics', 'failed');
  assert.equal(hub.unreachable, false);
  hub.setSource('api', 'failed');
  assert.equal(hub.unreachable, true);
  hub.setSource('metrics', 'ok');
  assert.deepEqual([hub.unreachable, hub.metricsOnly], [false, true]);
});
