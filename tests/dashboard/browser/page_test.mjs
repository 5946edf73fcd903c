// The page in real Chromium against the fake daemon: its states, controls and views.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { browserMissing, expect, launch, openPage } from './chromium.mjs';
import { FakeDaemon } from './fake_daemon.mjs';
import { FakeStream } from './fake_data.mjs';
import { serveStatic } from './static_files.mjs';

const missing = browserMissing();
if (missing !== null) console.log(`skipped: ${missing}`);
const panel = (page, key) => page.locator(`.panel[data-panel="${key}"]`);

/** Waits until the panel shows more than `count` points. */
const morePoints = (page, key, count) => page.waitForFunction(([name, least]) =>
  Number(document.querySelector(`.panel[data-panel="${name}"]`)?.dataset.points ?? 0) > least, [key, count]);

/** Waits until the panel has exactly this in a data attribute: panels are drawn in portions. */
const settled = (page, key, field, text) => page.waitForFunction(([name, attribute, value]) =>
  document.querySelector(`.panel[data-panel="${name}"]`).dataset[attribute] === value, [key, field, text]);

describe('page', { skip: missing ?? false }, () => {
  let browser;
  let daemon;
  let page;
  before(async () => { browser = await launch(); });
  after(() => browser?.close());
  beforeEach(async () => { daemon = await new FakeDaemon().listen(); });
  afterEach(async () => {
    assert.deepEqual(page.errors, [], 'the console has no errors, e.g. of the content security policy');
    await page.close();
    await daemon.close();
  });
  const stream = (runs = 2, windows = 20) => {
    daemon.streams = [new FakeStream('demo', runs)];
    daemon.advance(windows);
  };

  test('without a stream every panel says how to get one', async () => {
    page = await openPage(browser, `${daemon.url}/#/live`);
    await page.locator('.hint code').waitFor();
    await expect(page.locator('.hint code')).toHaveText(new RegExp(`^replayctl stream .* --daemon ${daemon.url}$`));
    await expect(panel(page, 'ttft').locator('.empty'))
      .toHaveText(/^No samples yet: stream a trace with replayctl stream …$/);
  });

  test('a first stream appears by itself, and live windows add points to TTFT and TPOT', async () => {
    page = await openPage(browser, `${daemon.url}/#/live`);
    await page.locator('.hint code').waitFor();
    stream();
    for (const key of ['ttft', 'tpot']) await morePoints(page, key, 0);
    const counts = await page.$$eval('.panel.large', (panels) => panels.map((item) => Number(item.dataset.points)));
    daemon.advance(3);
    await morePoints(page, 'ttft', counts[0]);
    await morePoints(page, 'tpot', counts[1]);
    await settled(page, 'ttft', 'points', String(23 * 2 * 3));
  });

  test('cards show the gauges of /metrics and mark a broken objective', async () => {
    stream(2, 46);
    page = await openPage(browser, `${daemon.url}/#/live`);
    await page.locator('.card[data-source="metrics"]').first().waitFor();
    await expect(page.locator('.card')).toHaveCount(2);
    await page.locator('.card td.late').nth(0).waitFor();
    await expect(page.locator('.card thead .span').first()).toHaveText('last window');
    await expect(page.locator('.card').first().locator('dd').first()).toHaveText('7:40');
  });

  test('with only /metrics, panels grow by scrapes at the virtual clock', async () => {
    daemon.setMode('metrics');
    stream();
    page = await openPage(browser, `${daemon.url}/#/live`);
    await morePoints(page, 'ttft', 0);
    daemon.advance();
    await morePoints(page, 'ttft', 6);
    await settled(page, 'ttft', 'last', '210');
    await expect(page.locator('.banner')).toHaveText(/^Only http:.*\/metrics answers/);
  });

  test('it works from another static host with ?daemon=', async () => {
    stream();
    const host = createServer((request, response) => serveStatic(new URL(request.url, 'http://h').pathname, response));
    await new Promise((resolve) => host.listen(0, '127.0.0.1', resolve));
    page = await openPage(browser, `http://127.0.0.1:${host.address().port}/?daemon=${daemon.url}#/live`);
    await morePoints(page, 'tpot', 0);
    await page.waitForFunction(() => document.querySelector('.lamp').textContent === 'live');
    host.closeAllConnections();
    host.close();
  });

  test('a daemon that goes away is named, and its return heals the page', async () => {
    stream();
    page = await openPage(browser, `${daemon.url}/#/live`);
    await morePoints(page, 'ttft', 0);
    daemon.setMode('none');
    await page.locator('.banner[data-state="failed"]').waitFor();
    await expect(page.locator('.banner')).toHaveText(new RegExp(`^No daemon answers at ${daemon.url}\\.`));
    daemon.advance(5);
    daemon.setMode('all');
    await page.locator('.banner').waitFor({ state: 'hidden' });
    await morePoints(page, 'ttft', 24 * 6);
  });

  test('a request opens its ledger: every part, an exact sum, why it waited, its twins and what was observed',
    async () => {
    stream();
    page = await openPage(browser, `${daemon.url}/#/requests`);
    await page.getByRole('button', { name: 'Slowest E2E' }).click();
    await page.locator('button.request').first().click();
    const drawer = page.locator('dialog.drawer');
    await drawer.locator('.twin').nth(1).waitFor();
    await expect(drawer.locator('table.ledger:not(.blame) tbody tr')).toHaveCount(12);
    await expect(drawer.locator('table.blame tbody tr').first()).toHaveAttribute('data-cause', 'other_prefill');
    await expect(drawer.locator('.note')).toHaveText(/^The parts sum to the end-to-end latency exactly: [\d,]+ ns\.$/);
    await expect(drawer.locator('.note.bad')).toHaveCount(0);
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
  });

  test('a past run opens from the history, and the way back leads to the newest stream', async () => {
    const past = new FakeStream('yesterday', 1);
    past.advance(30);
    past.finish();
    daemon.streams = [past, new FakeStream('today', 1, 5)];
    daemon.advance(10);
    page = await openPage(browser, `${daemon.url}/#/history`);
    await page.getByRole('link', { name: 'Open run 1, llama-3-70b-h100-mixed' }).click();
    await morePoints(page, 'ttft', 89);
    await expect(page.locator('.pinned')).toHaveText(/stream yesterday/);
    await page.getByRole('link', { name: 'Back to the newest stream' }).click();
    await page.waitForFunction(() => document.querySelector('.panel[data-panel="ttft"]').dataset.last === '100');
  });

  test('controls call the daemon, and ending asks first', async () => {
    stream();
    page = await openPage(browser, `${daemon.url}/#/live`);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByLabel('Replay speed').selectOption('60');
    // One press asks, and the question goes away by itself; the second press counts while it is there.
    const end = page.getByRole('button', { name: 'End', exact: true });
    await end.click();
    await end.waitFor();
    assert.ok(!daemon.commands.some((command) => command.endsWith('/end')));
    await end.dblclick();
    await page.waitForFunction(() => document.querySelector('.stream-controls .state').textContent === 'finished');
    await expect.poll(() => daemon.commands)
      .toEqual(['POST /api/v1/streams/demo/pause', 'POST /api/v1/streams/demo/resume',
        'POST /api/v1/streams/demo/speed {"speed":60}', 'POST /api/v1/streams/demo/end']);
  });

  test('the legend hides a run everywhere, by keyboard too', async () => {
    stream();
    page = await openPage(browser, `${daemon.url}/#/live`);
    await morePoints(page, 'ttft', 0);
    const entry = panel(page, 'ttft').locator('.entry').first();
    await entry.focus();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => [...document.querySelectorAll('.panel')].every((item) =>
      item.dataset.runs === '1'));
    await expect(entry).toHaveAttribute('aria-pressed', 'false');
  });

  test('eight runs fit a laptop without sideways scrolling, drawn at p99 until asked for more', async () => {
    stream(8);
    page = await openPage(browser, `${daemon.url}/#/live`);
    await morePoints(page, 'ttft', 20 * 8 - 1);
    await settled(page, 'ttft', 'points', String(20 * 8));
    await page.getByRole('group', { name: 'Quantiles' }).getByRole('button', { name: 'p50' }).click();
    await page.waitForFunction(() => document.querySelector('.panel[data-panel="ttft"]').dataset.points === '320');
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    const { y } = await panel(page, 'ttft').locator('.chart').boundingBox();
    assert.ok(y < 500, 'the TTFT chart starts on the first screen');
  });

  test('new points move nothing: panels keep their places', async () => {
    stream();
    page = await openPage(browser, `${daemon.url}/#/live`);
    await morePoints(page, 'ttft', 20 * 6 - 1);
    await page.locator('.card[data-source="metrics"]').nth(1).waitFor();
    await page.evaluate(() => document.fonts.ready);
    const places = () => page.$$eval('.panel', (panels) => panels.map((item) => item.getBoundingClientRect().top));
    const beforeMove = await places();
    daemon.advance(60);
    await morePoints(page, 'ttft', 79 * 6);
    assert.deepEqual(await places(), beforeMove);
  });

  test('the theme follows the system until a choice is made, which is remembered', async () => {
    stream();
    page = await openPage(browser, `${daemon.url}/#/live`, { colorScheme: 'dark' });
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const dark = await background();
    await page.getByRole('button', { name: 'Light theme' }).click();
    const light = await background();
    assert.notEqual(light, dark);
    await page.reload();
    await expect.poll(background).toBe(light);
  });

  // Five items, the KV cache, what is left of the budget, context and graphs beside it, and what stays free.
  test('the memory plan draws every item and the KV cache', async () => {
    stream();
    page = await openPage(browser, `${daemon.url}/#/memory`);
    await page.getByLabel('Scenario', { exact: true }).selectOption('llama-3-70b-h100-mixed');
    await page.locator('article.plan h3', { hasText: 'mixed' }).first().waitFor();
    await expect(page.locator('.memory-bar i')).toHaveCount(10);
    await expect(page.locator('.memory-bar i').nth(5)).toHaveAttribute('title', /^KV cache: 34\.8 GiB\n28,500 blocks/);
    await expect(page.locator('.memory-bar i').nth(7)).toHaveAttribute('title',
      /^beside the budget: CUDA context: 512 MiB/);
    await expect(page.locator('td.basis')).toHaveText(['physics', 'physics', 'physics', 'habit', 'habit', '', '',
      'assumption', 'assumption', '']);
  });

  test('memory over time is drawn for each pool and replica', async () => {
    stream(2, 31);
    const [first] = daemon.streams[0].runs;
    page = await openPage(browser, `${daemon.url}/#/memory`);
    await page.getByLabel('Scenario', { exact: true }).selectOption('llama-3-70b-h100-mixed');
    const chart = page.locator('.memory-time article[data-pool="mixed"]');
    await chart.locator('canvas').waitFor();
    await expect(chart).toHaveAttribute('data-points', String(first.windows.length));
    await expect(chart.locator('.chart')).toHaveAttribute('aria-label',
      /weights 33\.3 GiB, activations, buffers, workspace 3\.90 GiB, KV used \d/);
    await chart.getByLabel('Replica of mixed').selectOption('#1');
    await expect(chart).toHaveAttribute('data-points', String(Math.ceil(first.windows.length / 2)));
    await expect(chart.locator('.plan-facts')).toHaveText(/^KV used at most .* of 34\.8 GiB/);
    assert.deepEqual(page.errors, []);
    if (process.env.REPLAYD_SCREENSHOT) await page.screenshot({ path: process.env.REPLAYD_SCREENSHOT, fullPage: true });
  });

  test('SQL runs by Ctrl+Enter and shows a table', async () => {
    stream();
    page = await openPage(browser, `${daemon.url}/#/query`);
    await page.getByLabel('SQL', { exact: true }).last().focus();
    await page.keyboard.press('Control+Enter');
    await page.locator('.query tbody tr').first().waitFor();
    await expect(page.locator('.query tbody tr')).toHaveCount(2);
  });

  test('an address that is none is explained instead of a blank page', async () => {
    page = await openPage(browser, `${daemon.url}/?daemon=nonsense`);
    await expect(page.locator('.banner')).toHaveText(/^\?daemon=nonsense is no address; expected/);
  });
});
