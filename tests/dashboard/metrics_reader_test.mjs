// Picking replayd's gauges out of an exposition, run by run.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExposition } from '../../dashboard/js/exposition.js';
import { readRunGauges } from '../../dashboard/js/metrics_reader.js';
import { exposition } from './browser/fake_answers.mjs';
import { FakeStream } from './browser/fake_data.mjs';

test('quantiles, objectives and pools land in the run that their label names', () => {
  const runs = readRunGauges(parseExposition(`
replayd_ttft_seconds{stream="s",scenario="a",run="7",quantile="0.99"} 1.5
replayd_ttft_seconds{stream="s",scenario="b",run="8",quantile="0.99"} 2.5
replayd_ttft_objective_seconds{stream="s",scenario="a",run="7"} 2
replayd_kv_usage_ratio{stream="s",scenario="b",run="8",pool="decode"} 0.75
replayd_stream_credit_arrivals{stream="s"} 100
`));
  assert.deepEqual([...runs.keys()], ['7', '8']);
  assert.deepEqual(runs.get('7').ttft, { p50: null, p90: null, p99: 1.5 });
  assert.equal(runs.get('7').ttftObjective, 2);
  assert.equal(runs.get('8').ttftObjective, null);
  assert.equal(runs.get('8').pools.decode.kv, 0.75);
  assert.equal(runs.get('8').scenario, 'b');
});

test('a gauge that is NaN counts as absent, not as a figure', () => {
  const runs = readRunGauges(parseExposition('replayd_tpot_seconds{run="1",quantile="0.5"} NaN'));
  assert.equal(runs.get('1').tpot.p50, null);
});

test('the fixture speaks the names of daemon/metrics.md', () => {
  const stream = new FakeStream('s', 2);
  stream.advance(3);
  const gauges = readRunGauges(parseExposition(exposition([stream]))).get('1');
  for (const field of ['clock', 'speedup', 'backlog', 'waiting', 'running', 'promptRate', 'outputRate',
    'sloAttainment']) {
    assert.equal(typeof gauges[field], 'number', field);
  }
});
