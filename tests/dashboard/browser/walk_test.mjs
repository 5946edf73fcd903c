// The page as one sees it who opens it for the first time: a run that is over, one that failed, an address that has
// outlived what it names, and names that begin alike.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import * as format from '../../../dashboard/js/format.js';
import { VIEWS } from '../../../dashboard/js/route.js';
import { violations } from './axe.mjs';
import { browserMissing, expect, launch, openPage } from './chromium.mjs';
import { FakeDaemon } from './fake_daemon.mjs';
import { FakeStream } from './fake_data.mjs';

const missing = browserMissing();
if (missing !== null) console.log(`skipped: ${missing}`);
/** What the console says of an answer 404 or 400, which is the point of some tests here. */
const REFUSED = /^Failed to load resource: the server responded with a status of 40[04]/;
const PHONE = { width: 390, height: 844 };
const LONG = 'acme-production-europe-west-2026-11-22-llama-3.1-8b-h100';

describe('walk', { skip: missing ?? false }, () => {
  let browser;
  let daemon;
  let page;
  before(async () => { browser = await launch(); });
  after(() => browser?.close());
  beforeEach(async () => {
    daemon = await new FakeDaemon().listen();
    daemon.streams = [new FakeStream('yesterday', 1, 10), new FakeStream('demo', 2)];
    daemon.advance(46);
    daemon.streams[0].advance(10);
    daemon.streams[0].finish();
  });
  afterEach(async () => {
    assert.deepEqual(page.errors.filter((text) => !REFUSED.test(text)), [], 'the console has no errors');
    await page.close();
    await daemon.close();
  });
  const open = async (address, options) => { page = await openPage(browser, `${daemon.url}/#/${address}`, options); };
  const absent = () => page.locator('.absent');
  const rename = (names) => daemon.streams[1].runs.forEach((run, index) => {
    run.scenario = { ...run.scenario, name: names[index] };
  });

  test('the card of a finished run has the figures of the whole run, and says so', async () => {
    const [run] = daemon.streams[0].runs;
    const count = run.windows.reduce((sum, window) => sum + window.ttft.count, 0);
    const mean = run.windows.reduce((sum, window) => sum + window.ttft.mean_ns * window.ttft.count, 0) / count;
    await open('live?stream=yesterday');
    const card = page.locator('.card[data-source="run"]');
    await expect(card.locator('.span')).toHaveText('whole run');
    await expect(card.locator('thead th')).toHaveText(['mean', 'p50', 'p90', 'p99']);
    const { p50_ns: p50, p90_ns: p90, p99_ns: p99 } = run.json.ttft;
    assert.notEqual(p99, run.windows.at(-1).ttft.p99_ns, 'the last window would show something else');
    const ttft = card.locator('tbody tr').first().locator('td');
    await expect(ttft).toHaveText([mean, p50, p90, p99].map(format.durationNs));
    await expect(card.locator('dt')).toHaveText(['clock', 'finished', 'rejected', 'in SLO']);
    await expect(card.locator('dd').nth(1)).toHaveText(format.compact(run.json.finished));
  });

  test('a run that goes on has those of its last window, and changes when it ends', async () => {
    await open('live?stream=demo');
    await expect(page.locator('.card .span')).toHaveText(['last window', 'last window']);
    await expect(page.locator('.panel[data-panel="ttft"] .unit')).toHaveText('virtual seconds · last window');
    daemon.streams[1].finish();
    daemon.advance();
    await expect(page.locator('.card .span')).toHaveText(['whole run', 'whole run']);
  });

  test('a failed run says why, on its card, in the overview and in the history', async () => {
    const [run] = daemon.streams[1].runs;
    Object.assign(run, { state: 'failed', failure: '2,000,001 requests are in the cluster: give it more replicas' });
    await open('live?stream=demo');
    const card = page.locator('.card[data-run="1"]');
    await expect(card.locator('.failure')).toHaveText(run.failure);
    await expect(card.locator('.span')).toHaveText('whole run');
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('2');
    const stream = page.locator('.stream[data-stream="demo"]');
    await expect(stream.locator('.note.bad')).toHaveText(`${run.scenario.name} #1 failed: ${run.failure}`);
    await expect(stream.locator('.progress + span').first()).toHaveText(/, failed$/);
    await page.keyboard.press('0');
    const state = page.locator('.history tr[data-run="1"] td[data-state="failed"]');
    await expect(state).toHaveText(`failed: ${run.failure}`);
  });

  test('an address with an unknown stream says so in every view, and leads to the streams that there are', async () => {
    await open('live?stream=gone');
    for (const { key } of VIEWS.filter(({ scoped }) => scoped)) {
      await page.evaluate((view) => { location.hash = `#/${view}?stream=gone`; }, key);
      await expect(absent().locator('p').first()).toHaveText('There is no stream “gone”.');
      await expect(absent().getByRole('link').first()).toHaveAttribute('href', `#/${key}?stream=yesterday`);
      await expect(page.locator('main > :not(h1)')).toBeHidden();
    }
    assert.deepEqual(await violations(page), []);
    await absent().getByRole('link', { name: 'yesterday' }).click();
    await expect(absent()).toBeHidden();
    await expect(page.getByLabel('Stream', { exact: true })).toHaveValue('yesterday');
  });

  test('the stream of an address is shown as soon as it is there', async () => {
    await open('live?stream=soon');
    await absent().getByText('There is no stream “soon”.').waitFor();
    daemon.streams.push(new FakeStream('soon', 1, 20));
    daemon.advance(5);
    await expect(absent()).toBeHidden();
    await page.locator('.card[data-run="20"]').waitFor();
  });

  test('an unknown run is named, the known ones are shown, and the daemon is not said to be silent', async () => {
    await open('live?runs=10,99,abc');
    await expect(absent().locator('p').first()).toHaveText('There is no run #99, #abc.');
    await expect(page.locator('.card')).toHaveCount(1);
    await expect(page.locator('.banner')).toBeHidden();
    await page.evaluate(() => { location.hash = '#/compare?runs=98,99'; });
    await expect(absent().locator('p').first()).toHaveText('There is no run #98, #99.');
    await expect(page.locator('.compare')).toBeHidden();
    await expect(page.locator('.pinned')).toBeHidden();
  });

  test('a run that the address names is chosen; one of another stream is told with the way to it', async () => {
    await open('moment?stream=demo&run=2');
    await expect(page.getByLabel('Run to look at')).toHaveValue('2');
    await expect(page.getByLabel('Go on from here under')).toHaveValue(daemon.streams[1].runs[1].scenario.name);
    await page.evaluate(() => { location.hash = '#/forecast?stream=demo&run=2'; });
    await expect(page.getByLabel('Run to look ahead from')).toHaveValue('2');
    await expect(absent()).toBeHidden();
    await page.evaluate(() => { location.hash = '#/requests?stream=demo&run=10&order=slowest_ttft'; });
    await expect(absent().locator('p').first()).toHaveText('Run #10 is not among the runs that are shown: ' +
      'it is one of stream “yesterday”. Another one is shown.');
    await absent().getByRole('link', { name: 'yesterday' }).first().click();
    await expect(page).toHaveURL(/#\/requests\?stream=yesterday&run=10&order=slowest_ttft$/);
    await expect(page.getByLabel('Run of the requests')).toHaveValue('10');
  });

  test('what was chosen by hand is no longer what the address named', async () => {
    await open('compare?stream=demo&a=77&b=2');
    const said = absent().locator('p').first();
    await expect(said).toHaveText('There is no run #77 of stream “demo”. Another one is shown.');
    await page.getByLabel('Run A').selectOption('2');
    await expect(absent()).toBeHidden();
  });

  test('a moment after the end of a run is its end; nothing is forked from one that cannot be shown', async () => {
    const [run] = daemon.streams[0].runs;
    await open('moment?stream=yesterday&at=99999&replica=88');
    const end = format.clock(run.json.virtual_ns / 1e9);
    await expect(page.locator('.moment .note').first()).toHaveText(`The run ends at ${end}, before 27:46:39: ` +
      'its end is shown. There is no replica 88: replica 0 is shown.');
    await expect(page.getByRole('button', { name: 'Fork here' })).toBeEnabled();
    daemon.setMode('metrics');
    await page.getByLabel('Virtual time, s').fill('10');
    await page.getByLabel('Virtual time, s').press('Enter');
    await page.getByText('The moment cannot be shown').waitFor();
    await expect(page.getByRole('button', { name: 'Fork here' })).toBeDisabled();
  });

  test('scenarios, candidates and searches that are gone are named', async () => {
    await open('memory?stream=demo&scenario=gone');
    await expect(page.locator('.memory .note')).toHaveText('There is no scenario “gone”: another one is shown.');
    await page.evaluate(() => { location.hash = '#/forecast?stream=demo&candidates=gone,llama-3-70b-h100-pd'; });
    await page.getByText('No scenario of this daemon: gone.').waitFor();
    await page.evaluate(() => { location.hash = '#/search?search=gone.db/1'; });
    await page.getByText('There is no search “gone.db/1”: another one is shown.').waitFor();
  });

  test('the memory view begins with the scenario of the stream that is shown', async () => {
    rename(['first-of-demo', 'second-of-demo']);
    await open('memory?stream=demo');
    await expect(page.getByLabel('Scenario', { exact: true })).toHaveValue('first-of-demo');
    await page.getByLabel('Stream', { exact: true }).selectOption('yesterday');
    await expect(page.getByLabel('Scenario', { exact: true })).toHaveValue('llama-3-70b-h100-mixed');
  });

  for (const [device, viewport] of [['laptop', undefined], ['phone', PHONE]]) {
    test(`names that begin alike differ on cards and in legends on a ${device}`, async () => {
      rename([`${LONG}-prefill-1-decode-3`, `${LONG}-prefill-3-decode-1`]);
      await open('live?stream=demo', viewport === undefined ? {} : { viewport });
      for (const place of ['.card-head', '.panel[data-panel="ttft"] .entry', '.panel[data-panel="e2e"] .entry']) {
        const own = page.locator(`${place} .own`);
        await expect(own).toHaveText(['1-decode-3', '3-decode-1']);
        assert.ok(await own.evaluateAll((parts) => parts.every((part) => part.scrollWidth <= part.clientWidth)),
          `${place}: nothing of what differs is cut off`);
      }
      await expect(page.locator('.card-head strong').first()).toHaveAttribute('title', `${LONG}-prefill-1-decode-3`);
      const options = page.getByLabel('Run of the ledger over time').locator('option');
      await expect(options).toHaveText([/…1-decode-3$/, /…3-decode-1$/]);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
    });
  }

  test('on a phone the ledger of a request lies within its row', async () => {
    await open('requests?stream=yesterday', { viewport: PHONE });
    await page.locator('button.request .ledger-bar').nth(2).waitFor();
    const outside = await page.$$eval('button.request', (rows) => rows.filter((row) => {
      const bar = row.querySelector('.ledger-bar');
      return bar !== null && bar.getBoundingClientRect().bottom > row.getBoundingClientRect().bottom;
    }).length);
    assert.equal(outside, 0);
  });

  test('what a card of three runs or eight tells lies within it', async () => {
    for (const runs of [3, 8]) {
      daemon.streams = [new FakeStream('wide', runs)];
      daemon.advance(46);
      daemon.streams[0].finish();
      await open('live');
      await expect(page.locator('.card[data-source="run"]')).toHaveCount(runs);
      const outside = await page.$$eval('.card', (cards) => cards.flatMap((card) =>
        [...card.querySelectorAll('td, dt, dd')].filter((item) => item.offsetParent !== null &&
          item.getBoundingClientRect().right > card.getBoundingClientRect().right).map((item) => item.textContent)));
      assert.deepEqual(outside, []);
      if (runs === 3) await page.close();
    }
  });
});
