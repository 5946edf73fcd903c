// What a search says, and where its clusters lie.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestPoint, scalesOf } from '../../dashboard/js/search_chart.js';
import {
  frontsText, pointsOf, searchSentences, shellWord, streamCommand, verdictOf,
} from '../../dashboard/js/search_data.js';
import { fakeSearch } from './browser/fake_search.mjs';

const { search } = fakeSearch();

test('points are the clusters that served everything, with price or throughput across', () => {
  const points = pointsOf(search, 'price', 'ttft');
  assert.equal(points.length, search.results.length);
  assert.deepEqual(points.map(({ x }) => x), points.map(({ x }) => x).sort((a, b) => a - b));
  assert.equal(points.find(({ trial }) => trial.candidate === 0).x, 20);
  assert.equal(pointsOf(search, 'throughput', 'tpot').find(({ trial }) => trial.candidate === 0).x, 1125);
  const [first, second, ...rest] = search.results;
  const partly = { ...search, results: [{ ...first, rejected: 1 }, { ...second, stopped_after: 5 }, ...rest] };
  assert.equal(pointsOf(partly, 'price', 'ttft').length, search.results.length - 2);
});

test('along a front of price whoever costs more is faster', () => {
  const front = pointsOf(search, 'price', 'ttft').filter((point) => point.front);
  assert.ok(front.length >= 3);
  front.slice(1).forEach((point, at) => assert.ok(point.y < front[at].y));
});

test('a search is told in sentences, whether it has ended or not', () => {
  assert.equal(searchSentences(search).join(' '),
    'The cheapest that holds the objectives: prefill.replicas=3 decode.replicas=1, 16 GPUs, ' +
    '40.0 per hour. 24 trials of 24 of 24 candidates by grid.');
  const early = fakeSearch(4).search;
  assert.equal(searchSentences(early).join(' '),
    'No cluster that was tried holds the objectives yet; the nearest comes first. ' +
    '4 trials of 4 of 24 candidates by grid. 20 skipped: not reached yet.');
  assert.equal(searchSentences({ ...early, results: [] })[0], 'Nothing was replayed yet.');
  assert.match(searchSentences({ ...search, ended: null })[0], /^So far the cheapest/);
});

test('a trial says how it stands', () => {
  assert.equal(verdictOf({ holds: true }), 'held');
  assert.equal(verdictOf({ holds: false, excess: 2.5 }), 'missed, × 2.50');
  assert.equal(verdictOf({ holds: false, stopped_after: 1280, excess: 3 }), 'missed after 1,280 arrivals');
  assert.equal(frontsText({ front_ttft: true, front_throughput_tpot: true }), 'price–TTFT, throughput–TPOT');
});

test('the command streams what the trial replayed, at its load', () => {
  const command = (more, trial = {}) => streamCommand(
    { trace: 't.csv', load: 1, ...more }, { load: 1, arrivals: 500, ...trial },
    's-c1', 'http://d:1');
  assert.equal(command({}),
    'replayctl stream t.csv --stream s-c1 --scenario s-c1 --daemon http://d:1 --limit 500 --wait');
  assert.match(command({ load: 10 }), / --time-scale 0\.1 /);
  assert.match(command({ load: 2 }, { load: 1.5 }), / --time-scale 0\.333333333333 /);
  assert.equal(shellWord("it's"), String.raw`'it'\''s'`);
});

test('the objective and every point lie within the chart', () => {
  const points = pointsOf(search, 'price', 'ttft');
  const scales = scalesOf(points, 1, 800);
  for (const { x, y } of [...points, { x: 0, y: 1 }]) {
    assert.ok(scales.x(x) >= 64 && scales.x(x) <= 784);
    assert.ok(scales.y(y) >= 14 && scales.y(y) <= 296);
  }
  const [point] = points;
  assert.equal(nearestPoint(points, scales, scales.x(point.x) + 1, scales.y(point.y)).trial, point.trial);
  assert.equal(nearestPoint(points, scales, 0, 0), null);
});
