// Every view in real Chromium: it opens from its address, in both themes and on a phone, by keyboard, and axe-core
// finds nothing to remark.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { VIEWS } from '../../../dashboard/js/route.js';
import { violations } from './axe.mjs';
import { browserMissing, expect, launch, openPage } from './chromium.mjs';
import { FakeDaemon } from './fake_daemon.mjs';
import { FakeStream } from './fake_data.mjs';
import { VIEW_READY } from './view_ready.mjs';

const missing = browserMissing();
if (missing !== null) console.log(`skipped: ${missing}`);
const PHONE = { width: 390, height: 844 };

describe('views', { skip: missing ?? false }, () => {
  let browser;
  let daemon;
  let page;
  before(async () => { browser = await launch(); });
  after(() => browser?.close());
  beforeEach(async () => {
    daemon = await new FakeDaemon().listen();
    daemon.streams = [new FakeStream('yesterday', 1, 10), new FakeStream('demo', 3)];
    daemon.advance(46);
    daemon.streams[0].finish();
    daemon.observed = true;
  });
  afterEach(async () => {
    assert.deepEqual(page.errors, [], 'the console has no errors');
    await page.close();
    await daemon.close();
  });
  const open = async (view, options) => {
    page = await openPage(browser, `${daemon.url}/#/${view}`, options);
    await page.locator(VIEW_READY[view]).first().waitFor();
  };

  for (const { key, title } of VIEWS) {
    for (const colorScheme of ['light', 'dark']) {
      test(`${title}: the heading says where one is, and axe-core finds nothing in the ${colorScheme} theme`,
        async () => {
        await open(key, { colorScheme });
        await expect(page.locator('nav a[aria-current="page"]')).toHaveText(title);
        const beginning = new RegExp(`^${title}`);
        await expect(page.locator('h1')).toHaveText(beginning);
        await expect(page).toHaveTitle(beginning);
        assert.deepEqual(await violations(page), []);
      });
    }

    test(`${title}: a phone shows it without sideways scrolling`, async () => {
      await open(key, { viewport: PHONE });
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
      assert.deepEqual(await violations(page), []);
    });
  }

  test('the overview tells each stream, which runs keep their objectives, and leads on', async () => {
    await open('overview');
    await page.locator('.stream[data-stream="yesterday"] svg.spark').waitFor();
    await expect(page.locator('.stream h2')).toHaveText(['demo', 'yesterday']);
    await page.locator('.stream[data-stream="yesterday"] td:nth-of-type(2)').getByText('mixed 16×H100', { exact: true })
      .waitFor();
    await expect(page.locator('.summary'))
      .toHaveText(/^2 streams, 1 under way\. \d of 4 runs keeps? the objectives at p99\.$/);
    await page.locator('.stream[data-stream="yesterday"]').getByRole('link', { name: 'Live: yesterday' }).click();
    await page.locator(VIEW_READY.live).first().waitFor();
    await expect.poll(() => new URL(page.url()).hash).toBe('#/live?stream=yesterday');
    await expect(page.locator('.card')).toHaveCount(1);
  });

  test('the overview shows the streams of other daemons, adds one, and says which is silent', async () => {
    const other = await new FakeDaemon().listen();
    try {
      other.streams = [new FakeStream('elsewhere', 2)];
      other.advance(30);
      await open('overview');
      await page.getByLabel('Look at another daemon, too:').fill(other.url);
      await page.getByRole('button', { name: 'Add' }).click();
      const section = page.locator(`[data-daemon="${other.url}"]`);
      await section.locator('.stream[data-stream="elsewhere"] svg.spark').nth(1).waitFor();
      await expect(page.locator('.stream')).toHaveCount(3);
      await expect(section.getByRole('link', { name: 'Live: elsewhere' })).toHaveAttribute('href',
        `${daemon.url}/?daemon=${encodeURIComponent(other.url)}#/live?stream=elsewhere`);
      assert.deepEqual(await violations(page), []);
    } finally {
      await other.close();
    }
    await page.reload();
    await page.getByText('does not allow this page').waitFor();
    await page.getByRole('button', { name: `Leave out ${other.url}` }).click();
    await page.waitForFunction(() => document.querySelector('[data-daemon]') === null);
    await expect.poll(() => new URL(page.url()).search).toBe('');
  });

  test('the address carries stream, quantiles, scale and span, and opens the same view again', async () => {
    await open('live');
    await page.getByRole('group', { name: 'Quantiles' }).getByRole('button', { name: 'p50' }).click();
    await page.getByRole('button', { name: 'Log' }).click();
    await page.getByRole('button', { name: '1 min' }).click();
    const hash = '#/live?quantiles=p90,p99&scale=log&last=60';
    await expect.poll(() => new URL(page.url()).hash).toBe(hash);
    await page.reload();
    await page.locator(VIEW_READY.live).first().waitFor();
    await expect(page.getByRole('button', { name: 'Log' })).toHaveAttribute('aria-pressed', 'true');
    await expect(page.getByRole('group', { name: 'Quantiles' }).getByRole('button', { name: 'p50' }))
      .toHaveAttribute('aria-pressed', 'false');
    await expect.poll(() => new URL(page.url()).hash).toBe(hash);
  });

  // The stream is not the newest, so nothing is known of it until the daemon has answered.
  test('an address that names an older stream draws its windows', async () => {
    page = await openPage(browser, `${daemon.url}/#/live?stream=yesterday`);
    await page.waitForFunction(() =>
      Number(document.querySelector('.panel[data-panel="goodput"]')?.dataset.points) === 92);
  });

  test('a request has an address: it opens in the drawer, and closing it leaves the list', async () => {
    page = await openPage(browser, `${daemon.url}/#/requests?run=1&order=slowest_ttft&request=1.17`);
    const drawer = page.locator('dialog.drawer');
    await drawer.waitFor();
    await expect(drawer.locator('h2')).toHaveText('Request req-00017');
    assert.deepEqual(await violations(page), []);
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'hidden' });
    await page.waitForFunction(() => location.hash === '#/requests?order=slowest_ttft');
  });

  test('single keys open the views and the list of keys, unless something is typed or they are switched off',
    async () => {
    await open('overview');
    await page.keyboard.press('1');
    await page.locator(VIEW_READY.live).first().waitFor();
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await help.waitFor();
    assert.deepEqual(await violations(page), []);
    await help.getByRole('checkbox').uncheck();
    await page.keyboard.press('Escape');
    await page.keyboard.press('2');
    await expect(page.locator('nav a[aria-current="page"]')).toHaveText('Live');
    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await help.getByRole('checkbox').check();
    await page.keyboard.press('Escape');
    await page.keyboard.press('s');
    await page.locator(VIEW_READY.query).first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('1');
    await expect(page.locator('textarea')).toHaveValue(/1/);
    await expect(page.locator('nav a[aria-current="page"]')).toHaveText('SQL');
  });

  test('the first Tab is the way past the head, and every control can be seen when it has the focus', async () => {
    await open('live');
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.locator('#content')).toBeFocused();
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, 'none');
  });

  // The order and titles of vllm-project/vllm 4b5c627, examples/observability/prometheus_grafana/grafana.json.
  test('the twelve panels of vLLM stand in its order, and each draws something', async () => {
    await open('vllm');
    await page.waitForFunction(() => [...document.querySelectorAll('.vllm .panel')].every((panel) =>
      Number(panel.dataset.points) > 0));
    await expect(page.locator('.vllm .panel h2')).toHaveText(['E2E request latency', 'Token throughput',
      'Inter token latency', 'Scheduler state',
      'Time to first token latency', 'Cache utilization', 'Request prompt length', 'Request generation length',
      'Finish reason', 'Queue time', 'Requests prefill and decode time', 'Max generation token in sequence group']);
    await expect(page.locator('.panel[data-panel="prompt_length"] .chart')).toHaveAttribute('aria-label',
      /^Request prompt length: most requests: \S+ tokens, [\d.]+ %$/);
  });

  test('goodput is drawn beside what arrives, and latency over time is stacked by part and by cause', async () => {
    await open('live');
    await page.locator('.panel[data-panel="goodput"]:not(.is-empty)').waitFor();
    const block = page.locator('.ledger-time');
    await page.waitForFunction(() => document.querySelector('.ledger-time').dataset.bands ===
      'prefill_queue,prefill_compute,chunk_wait,decode_compute,batch_interference,preemption_stall,recompute');
    await block.getByRole('button', { name: 'Causes' }).click();
    await page.waitForFunction(() => document.querySelector('.ledger-time').dataset.bands.startsWith('other_prefill,'));
    await expect(block.locator('.ledger-chart')).toHaveAttribute('aria-label',
      /^Mean latency over time: Others’ prefill at most /);
    await block.getByLabel('Run of the ledger over time').selectOption({ label: 'llama-3-70b-h100-pd' });
    await page.waitForFunction(() => document.querySelector('.ledger-time').dataset.bands.includes('link'));
  });

  test('panels of pools and links are there while a disaggregated cluster is shown', async () => {
    await open('live');
    for (const key of ['links', 'pool_output']) await page.locator(`.panel[data-panel="${key}"]:not(.is-empty)`)
      .waitFor();
    await page.getByLabel('Stream', { exact: true }).selectOption('yesterday');
    await page.locator('.panel[data-panel="links"]').waitFor({ state: 'hidden' });
  });

  test('the expert balance names the busiest rank by law, and with the chance of the step of now', async () => {
    await open('experts');
    await expect(page.locator('.expert-pool')).toHaveCount(2);
    await expect(page.locator('.expert-pool').first().locator('.rank-loads i')).toHaveCount(16);
    await expect(page.locator('.expert-pool .plan-facts').first()).toHaveText(new RegExp(
      String.raw`^Busiest rank: busiest 1\.\d\d×, idlest 0\.\d\d× the mean by law · ` +
      String.raw`with the [\d.k]+ tokens per rank and step of now, chance makes it \d\.\d\d×\.$`));
  });

  test('a question is asked by a click, drawn by run, listed, and its address asks it again', async () => {
    await open('query');
    await page.getByRole('button', { name: 'TTFT and TPOT in every minute' }).click();
    const figure = page.locator('.result-figure');
    await figure.waitFor();
    await expect.poll(() => figure.evaluate(({ dataset }) => [dataset.kind, dataset.series])).toEqual(['lines', '4']);
    await expect(figure.locator('.series-key li')).toHaveText(['run_id 10', 'run_id 1', 'run_id 2', 'run_id 3']);
    await page.getByLabel('Column of series').selectOption('');
    await page.waitForFunction(() => document.querySelector('.result-figure').dataset.kind === 'bars');
    await expect(page).toHaveURL(/#\/query\?sql=SELECT\+run_id.*&x=minute&y=ttft_p99_ms&series=$/);
    assert.deepEqual(await violations(page), []);
    await page.reload();
    await figure.waitFor();
    await expect.poll(() => figure.evaluate(({ dataset }) => [dataset.kind, dataset.series])).toEqual(['bars', '1']);
    await expect(page.locator('textarea')).toHaveValue(/AS minute/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' })
      .click()]);
    assert.equal(download.suggestedFilename(), 'replayd.csv');
  });

  test('two runs are compared: who breaks first, how much differs, why, and the requests lead to their ledgers',
    async () => {
    await open('compare');
    await expect(page.locator('.compare .summary')).toHaveText(new RegExp(
      String.raw`^B breaks the TTFT objective 14\.0 min earlier, at 6:00\. ` +
      String.raw`2\d\d of 230 requests differ: \d+ slower and \d+ faster in B\.$`));
    await expect(page.locator('.differences tbody th')).toHaveText(['TTFT', 'TPOT', 'E2E']);
    await page.waitForFunction(() => [...document.querySelectorAll('.compare .panel')].filter((panel) =>
      Number(panel.dataset.points) > 0).length === 4);
    await page.locator('.diverging .bar-row').nth(4).waitFor();
    await expect(page.locator('.compare-requests tbody tr').first().locator('td').last())
      .toHaveText(/^[a-z ]+ [+−][\d.]+ m?s/);
    await page.getByRole('button', { name: 'Swap' }).click();
    await page.waitForFunction(() => location.hash === '#/compare?a=2&b=1');
    await page.reload();
    await page.locator(VIEW_READY.compare).first().waitFor();
    await expect(page.getByLabel('Run A')).toHaveValue('2');
    await page.locator('.compare-requests tbody a').first().click();
    await page.locator('dialog.drawer .twin').first().waitFor();
  });

  test('the history says which requests of a run have a row', async () => {
    Object.assign(daemon.streams[0].runs[0], { request_rows: 'sampled:0.01', request_rows_left_out: 594 });
    await open('history');
    await expect(page.locator('.history tr[data-run="10"]').getByText('sampled:0.01: 594 without')).toBeVisible();
  });

  test('one run alone says how to get a second', async () => {
    page = await openPage(browser, `${daemon.url}/#/compare?runs=10`);
    await page.waitForFunction(() => document.querySelector('.compare .summary')
      .textContent.startsWith('Two runs of one stream are compared'));
  });

  test('what was observed is held against each run, with the drift alarm, and drawn over TTFT and TPOT', async () => {
    await open('observed');
    await expect(page.locator('.observed .banner')).toHaveText(/^Drift alarm: llama-3-70b-h100-mixed \(TTFT\);/);
    await expect(page.locator('.observed tbody tr')).toHaveCount(9);
    const cells = page.locator('.observed tbody tr').first().locator('td');
    for (const [column, text] of [[1, 'TTFT'], [5, '+11.1 %'], [6, '18.0 %'], [10, 'alarm']]) {
      await expect(cells.nth(column)).toHaveText(text);
    }
    await page.getByRole('link', { name: 'Live', exact: true }).click();
    await page.locator('.panel[data-panel="ttft"] .entry', { hasText: 'observed, mean' }).waitFor();
    await page.waitForFunction((points) => document.querySelector('.panel[data-panel="ttft"]')
      .dataset.points === points, String(46 * 3 * 3 + 46));
    await page.waitForFunction(() => document.querySelectorAll('.panel[data-panel="e2e"] .entry').length === 3);
  });

  test('where the traced server and a scenario differ is told beside what was observed', async () => {
    await open('observed');
    await expect(page.getByRole('region', { name: 'The traced server' }).locator('li'))
      .toHaveText(['llama-3-70b-h100-mixed traced on 8 GPUs, this cluster has 16']);
  });

  test('a run that is over opens at its busiest moment, and the address says which', async () => {
    const stream = new FakeStream('long', 1, 20);
    stream.advance(80);
    stream.finish();
    daemon.streams.push(stream);
    const { windows, json } = stream.runs[0];
    const busiest = windows.reduce((best, window) => (window.running > best.running ? window : best));
    const seconds = (busiest.start_ns + busiest.length_ns) / 1e9;
    page = await openPage(browser, `${daemon.url}/#/moment?stream=long`);
    await page.locator(VIEW_READY.moment).first().waitFor();
    await expect(page.getByLabel('Virtual time, s')).toHaveValue(String(seconds));
    await expect(page).toHaveURL(new RegExp(`at=${seconds}$`));
    assert.ok(seconds < json.virtual_ns / 1e9, 'not the end, where nothing runs');
  });

  test('without observations the view says what brings them', async () => {
    daemon.observed = false;
    page = await openPage(browser, `${daemon.url}/#/observed`);
    await page.locator('.observed .hint').waitFor();
    await expect(page.locator('.observed .hint'))
      .toHaveText(/^No arrival of this stream carries what production observed\./);
  });

  test('a forecast names the time to the break and the cheapest candidate that holds', async () => {
    page = await openPage(browser,
      `${daemon.url}/#/forecast?traffic=ramp&growth=2&candidates=llama-3-70b-h100-pd,deepseek-v3-h800-pd`);
    await page.locator(VIEW_READY.forecast).first().waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Look ahead' }).click();
    await page.locator('.forecast-result').waitFor();
    await expect(page.locator('.forecast .summary'))
      .toHaveText('As it is, llama-3-70b-h100-mixed breaks TTFT in 11.0 min. The cheapest that holds them is ' +
        'deepseek-v3-h800-pd, with 24 GPUs.');
    await expect(page.locator('.panel[data-panel="forecast_ttft"]')).toHaveAttribute('data-lines', '3');
    const candidates = page.locator('.forecast-result tbody tr');
    await expect(candidates).toHaveCount(3);
    for (const [row, holds] of ['false', 'false', 'true'].entries()) {
      await expect(candidates.nth(row)).toHaveAttribute('data-holds', holds);
    }
    assert.deepEqual(JSON.parse(daemon.commands.at(-1).split(' ').slice(2).join(' ')),
      { traffic: 'ramp', horizon_s: 900, candidates: [{ scenario: 'llama-3-70b-h100-pd' },
        { scenario: 'deepseek-v3-h800-pd' }], growth: 2 });
    assert.deepEqual(await violations(page), []);
  });

  test('any moment of a run can be gone to, shows its replicas, and can be forked from', async () => {
    page = await openPage(browser, `${daemon.url}/#/moment?at=120&replica=1`);
    await page.locator(VIEW_READY.moment).first().waitFor();
    await expect(page.locator('.moment .summary'))
      .toHaveText('At 2:00: 8 waiting, 8 running, 1 with KV under way; 500 of 600 finished.');
    await expect(page.locator('.moment-requests tbody tr')).toHaveCount(3);
    await expect(page.locator('.moment-result h2')).toHaveText('Requests of replica 1');
    await page.getByLabel('Requests of replica 2').click();
    await page.getByLabel('Moment, in virtual seconds').fill('180');
    await page.waitForFunction(() => document.querySelector('.moment .summary')
      .textContent.startsWith('At 3:00: 12 waiting'));
    await expect(page).toHaveURL(/#\/moment\?.*at=180&replica=2$/);
    await page.reload();
    await page.waitForFunction(() => document.querySelector('.moment .summary')
      .textContent.startsWith('At 3:00: 12 waiting'));
    await page.getByRole('button', { name: 'Fork here' }).click();
    await page.waitForFunction(() => /^Run #99 goes on from here under /.test(document.querySelector('.moment .note')
      .textContent));
    assert.equal(JSON.parse(daemon.commands.at(-1).split(' ').slice(2).join(' ')).at_ns, 180e9);
    assert.deepEqual(await violations(page), []);
  });

  test('a search draws each cluster and its front; a cluster shows what it sets, and how to see it live', async () => {
    page = await openPage(browser, `${daemon.url}/#/search?across=throughput`);
    await expect(page.locator('.search-chart')).toHaveAttribute('data-points', '23');
    await expect(page.locator('.search .summary'))
      .toHaveText('The cheapest that holds the objectives: prefill.replicas=3 ' +
      'decode.replicas=1, 16 GPUs, 40.0 per hour. 24 trials of 24 of 24 candidates by grid.');
    await expect(page.locator('section[aria-label="Not possible"] tbody td'))
      .toHaveText(['1', '40 GPUs: more than gpus_max = 36', 'prefill.replicas=6 decode.replicas=4']);
    await page.locator('.search-chart circle.member').first().click();
    await expect(page).toHaveURL(/&trial=\d+x1$/);
    await page.getByRole('button', { name: 'prefill.replicas=3 decode.replicas=1' }).focus();
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/&trial=8x1$/);
    const name = 'llama-3-70b-h100-pd-c8';
    await expect(page.locator('.command code'))
      .toHaveText(`replayctl stream 'traces/azure conv.csv' --stream ${name} ` +
      `--scenario ${name} --daemon ${daemon.url} --time-scale 0.1 --limit 1000 --wait`);
    await expect(page.locator('.search-detail .settings li')).toHaveText(['prefill.replicas=3', 'decode.replicas=1']);
    await expect(page.locator('.search-chart circle.chosen')).toHaveAttribute('data-trial', '8x1');
    await page.getByRole('button', { name: 'Add to this daemon' }).click();
    await expect(page.locator('.search-detail .note')).toHaveText(`${name} is a scenario of this daemon now.`);
    assert.equal(daemon.commands.at(-1), `POST /api/v1/scenarios name = "${name}"`);
    assert.deepEqual(await violations(page), []);
    await page.reload();
    await expect(page.locator('.search-chart circle.chosen')).toHaveAttribute('data-trial', '8x1');
    await expect(page.getByRole('button', { name: 'Throughput' })).toHaveAttribute('aria-pressed', 'true');
  });

  test('a search that goes on is looked at again, and says what it has not tried', async () => {
    daemon.searched = 9;
    await open('search');
    await expect(page.locator('.search .summary')).toHaveText(/ 15 skipped: not reached yet\.$/);
    daemon.searched = 24;
    await expect(page.locator('.search-chart')).toHaveAttribute('data-points', '23');
  });

  test('without a search the view says how to get one', async () => {
    daemon.searched = null;
    page = await openPage(browser, `${daemon.url}/#/search`);
    await expect(page.locator('.search .note').first())
      .toHaveText(/^No search yet\. Start the daemon with --searches FOLDER/);
  });

  test('SQL can be asked of a file of searches, and its address asks it again', async () => {
    await open('search');
    await page.getByRole('link', { name: 'SQL on this file' }).click();
    await page.getByRole('button', { name: 'Why are clusters not possible?' }).click();
    await expect(page.getByRole('cell', { name: 'of azure conv.db' })).toBeVisible();
    await expect(page).toHaveURL(/#\/query\?file=azure\+conv\.db&sql=/);
    await page.reload();
    await expect(page.getByRole('cell', { name: 'of azure conv.db' })).toBeVisible();
    assert.equal(JSON.parse(daemon.commands.at(-1).slice('POST /api/v1/query '.length)).search, 'azure conv.db');
  });

  test('a run that is over has no forecast, and says so', async () => {
    page = await openPage(browser, `${daemon.url}/#/forecast?stream=yesterday`);
    await page.waitForFunction(() => document.querySelector('.forecast .note')
      .textContent.startsWith('Run #10 is over'));
    await expect(page.getByRole('button', { name: 'Look ahead' })).toBeDisabled();
  });
});
