// One gap-free line out of live windows, back-fills and scrapes, in whatever order they come.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunSeries, WINDOWS_MAX } from '../../dashboard/js/run_series.js';

const window = (start, length = 1, finished = 1) => ({ start_ns: start * 1e9, length_ns: length * 1e9, finished,
  within_slo: finished,
  ttft: { p50_ns: 1e8, p90_ns: 2e8, p99_ns: 3e8 }, tpot: { p50_ns: null, p90_ns: null, p99_ns: null }, e2e: {},
  queue: {},
  prompt_tokens: 100, output_tokens: 10, preemptions: 0, steps: 1, kv_blocks_used: 1, kv_blocks_total: 4, pools: [] });
const line = (series) => series.windows.map(({ start_ns, length_ns }) => [start_ns / 1e9, length_ns / 1e9]);

test('windows that arrive in order are appended', () => {
  const series = new RunSeries();
  assert.equal(series.addWindows([window(0), window(1)]), 2);
  assert.equal(series.addWindows([window(2)]), 1);
  assert.deepEqual(line(series), [[0, 1], [1, 1], [2, 1]]);
  assert.equal(series.endNs, 3e9);
});

test('a back-fill that comes after live windows fills in before them', () => {
  const series = new RunSeries();
  series.addWindows([window(5), window(6)]);
  series.addWindows([0, 1, 2, 3, 4, 5].map((start) => window(start)));
  assert.deepEqual(line(series).map(([start]) => start), [0, 1, 2, 3, 4, 5, 6]);
});

test('the same window again replaces the old one instead of doubling it', () => {
  const series = new RunSeries();
  series.addWindows([window(0, 1, 3)]);
  series.addWindows([window(0, 1, 4)]);
  assert.equal(series.windows.length, 1);
  assert.equal(series.windows[0].finished, 4);
});

test('a coarse window does not replace fine ones that say it all', () => {
  const series = new RunSeries();
  series.addWindows([0, 1, 2, 3, 4].map((start) => window(start)));
  assert.equal(series.addWindows([window(0, 4)]), 0);
  assert.equal(series.windows.length, 5);
});

test('a coarse window replaces fine ones with a gap between them', () => {
  const series = new RunSeries();
  series.addWindows([window(0), window(3), window(4)]);
  series.addWindows([window(0, 4)]);
  assert.deepEqual(line(series), [[0, 4], [4, 1]]);
});

test('a merged message of the live socket that reaches further is taken', () => {
  const series = new RunSeries();
  series.addWindows([window(0), window(1)]);
  series.addWindows([window(1, 4)]);
  assert.equal(series.endNs, 5e9);
});

test('a fine window inside a coarse one changes nothing', () => {
  const series = new RunSeries();
  series.addWindows([window(0, 10)]);
  assert.equal(series.addWindows([window(3)]), 0);
});

test('points stand at the ends of their windows, in seconds, ascending', () => {
  const series = new RunSeries();
  series.addWindows([window(4), window(0), window(2)]);
  assert.deepEqual(series.points.map(({ t }) => t), [1, 3, 5]);
  assert.equal(series.points[0].ttft.p99, 0.3);
  assert.equal(series.points[0].tpot.p99, null);
  assert.equal(series.points[0].outputRate, 10);
  assert.equal(series.points[0].kv, 0.25);
});

test('too many windows ask for compaction, and what came meanwhile survives it', () => {
  const series = new RunSeries();
  series.addWindows(Array.from({ length: WINDOWS_MAX + 1 }, (_, start) => window(start)));
  assert.ok(series.needsCompaction);
  series.replaceWindows([window(0, 2000), window(2000, 2000)]);
  assert.deepEqual(line(series), [[0, 2000], [2000, 2000], [4000, 1]]);
  assert.equal(series.points.length, 3);
});

const scrape = (clock, preemptions = 0) => ({ clock, preemptions, ttft: { p99: clock }, tpot: {}, e2e: {}, queue: {},
  pools: { a: { kv: 0.2 }, b: { kv: 0.6 } } });

test('scrapes are drawn while there are no windows, and give way to them', () => {
  const series = new RunSeries();
  series.addScrape(scrape(10));
  series.addScrape(scrape(20));
  assert.deepEqual(series.points.map(({ t }) => t), [10, 20]);
  assert.equal(series.points[0].kv, 0.6);
  series.addWindows([window(0)]);
  assert.deepEqual(series.points.map(({ t }) => t), [1]);
});

test('a clock that stands still makes no new point; one that goes back starts afresh', () => {
  const series = new RunSeries();
  for (const clock of [10, 10, 20, 5]) series.addScrape(scrape(clock));
  assert.deepEqual(series.points.map(({ t }) => t), [5]);
  series.addScrape(scrape(5));
  assert.equal(series.points.length, 1);
});

test('a counter becomes a rate per virtual second between scrapes', () => {
  const series = new RunSeries();
  series.addScrape(scrape(10, 4));
  series.addScrape(scrape(20, 9));
  assert.deepEqual(series.points.map(({ preemptionRate }) => preemptionRate), [null, 0.5]);
});

test('a scrape without a clock is no point', () => {
  const series = new RunSeries();
  series.addScrape(scrape(null));
  assert.equal(series.points.length, 0);
});

test('every change moves the version, and nothing else does', () => {
  const series = new RunSeries();
  series.addWindows([window(0, 10)]);
  const { version } = series;
  series.addWindows([window(2)]);
  assert.equal(series.version, version);
  series.addWindows([window(10)]);
  assert.ok(series.version > version);
});
