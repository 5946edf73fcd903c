// The page against the real daemon: a generated trace is streamed by replayctl, and both TTFT and TPOT panels
// must draw new points while it is replayed. REPLAYD_SCREENSHOT=path saves what the page looks like then.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { QUESTIONS } from '../../../dashboard/js/questions.js';
import { violations } from './axe.mjs';
import { browserMissing, expect, launch, openPage } from './chromium.mjs';

const BUILD = process.env.REPLAYD_BUILD ?? 'build/release';
const DAEMON = join(BUILD, 'replayd');
const CLIENT = join(BUILD, 'replayctl');
const DEADLINE_MS = 180_000;
/**
 * Slow enough that the replay of an hour outlasts every wait for a first point, on any machine; a picture wants many.
 */
const SPEED = process.env.REPLAYD_SCREENSHOT ? 120 : 10;
const RATE = process.env.REPLAYD_SCREENSHOT ? 9 : 3;

function missing() {
  for (const path of [DAEMON, CLIENT]) if (!existsSync(path))
    return `${path} isn't built (set REPLAYD_BUILD to the build folder)`;
  return browserMissing();
}
const reason = missing();
if (reason !== null) console.log(`skipped: ${reason}`);

/** Runs replayctl to its end; fails with what it said. */
async function replayctl(...args) {
  const child = spawn(CLIENT, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (text) => { output += text; });
  child.stderr.on('data', (text) => { output += text; });
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, `replayctl ${args.join(' ')}: ${output}`);
  return output;
}

/** Thrown to stop waiting for what can no longer come. */
class Ended extends Error {}

/** Polls `ready` until it answers something true; the deadline names what was waited for. */
async function until(what, ready) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ready().catch((error) => {
      if (error instanceof Ended) throw error;
      return null;
    });
    if (answer) return answer;
    assert.ok(Date.now() < deadline, `${what} within ${DEADLINE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe('page of the real daemon', { skip: reason ?? false }, () => {
  let folder;
  let daemon;
  let daemonSaid = '';
  let base;
  let browser;
  let streaming;
  const json = async (path) => (await fetch(base + path)).json();
  const pointsOf = (page, key) => page.$eval(`.panel[data-panel="${key}"]`,
    (element) => Number(element.dataset.points));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'replayd-page-'));
    const portFile = join(folder, 'port');
    daemon = spawn(DAEMON, ['--listen', '127.0.0.1:0', '--port-file', portFile, '--db', join(folder, 'history.sqlite'),
      '--dashboard', join(BUILD, 'dashboard')], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [daemon.stdout, daemon.stderr]) stream.on('data', (text) => { daemonSaid += text; });
    await until('replayd ready', async () => {
      if (daemon.exitCode !== null) throw new Ended(`replayd ended with ${daemon.exitCode}: ${daemonSaid}`);
      base = `http://127.0.0.1:${(await readFile(portFile, 'utf8')).trim()}`;
      return (await fetch(`${base}/readyz`)).ok;
    });
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    streaming?.kill('SIGTERM');
    if (daemon !== undefined && daemon.exitCode === null) {
      daemon.kill('SIGTERM');
      await once(daemon, 'exit');
    }
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  test('panels draw new points during a replay; a ledger and a past run open', async () => {
    const [mixed, pd] = ['llama-3.1-8b-h100-mixed', 'llama-3.1-8b-h100-pd'];
    const trace = join(folder, 'trace.jsonl.gz');
    await replayctl('generate', trace, '--rate', String(RATE), '--duration', '1h', '--seed', '7', '--process',
      'diurnal', '--diurnal-period', '1h',
      '--diurnal-amplitude', '0.7', '--turns', '3', '--think', '20s', '--prompt-median', '600', '--output-median',
      '180');
    const args = (file, name, speed) => ['stream', file, '--stream', name, '--scenario', mixed, '--scenario', pd,
      '--speed', String(speed), '--daemon', base];

    // A first stream, as fast as possible, is the past run.
    await replayctl(...args(trace, 'yesterday', 0));
    const past = await until('a finished run', async () => (await json('/api/v1/runs?stream=yesterday&limit=10'))
      .items.find((run) => run.state === 'finished'));

    streaming = spawn(CLIENT, args(trace, 'today', SPEED), { stdio: 'ignore' });
    const page = await openPage(browser, `${base}/#/live`);
    for (const key of ['ttft', 'tpot']) await until(`first points of ${key}`, async () => await pointsOf(page,
      key) > 0);
    const before = { ttft: await pointsOf(page, 'ttft'), tpot: await pointsOf(page, 'tpot') };
    for (const key of ['ttft', 'tpot']) {
      await until(`new points of ${key}`, async () => await pointsOf(page, key) > before[key]);
      await page.waitForFunction((name) => document.querySelector(`.panel[data-panel="${name}"]`).dataset.runs === '2',
        key);
    }
    await page.locator('.card[data-source="metrics"]').nth(1).waitFor();

    if (process.env.REPLAYD_SCREENSHOT) {
      await until('enough of the replay for a picture', async () => await pointsOf(page, 'ttft') > 400);
      await page.screenshot({ path: process.env.REPLAYD_SCREENSHOT });
    }

    // What if: a third cluster from the start of the stream, a fork of it, and the fork is stopped.
    await page.getByRole('button', { name: 'What if…' }).click();
    const whatIf = page.getByRole('dialog', { name: 'What if: today' });
    const add = async (label, beginning) => {
      const before = await whatIf.locator('tbody tr').count();
      await whatIf.getByLabel('Replay it through').selectOption(mixed);
      await whatIf.getByLabel('beginning').selectOption({ label: beginning });
      await whatIf.getByRole('button', { name: 'Add' }).click();
      await until(label, async () => await whatIf.locator('tbody tr').count() === before + 1 &&
        await whatIf.getByRole('button', { name: 'Add' }).isEnabled());
    };
    await add('a run that joins', 'at the start of the stream');
    const joined = /run #(\d+): it catches up/.exec(await whatIf.getByRole('status').textContent())[1];
    await add('a fork', `now, from the state of ${mixed} #${joined}`);
    const forked = /run #(\d+), forked from/.exec(await whatIf.getByRole('status').textContent())[1];
    assert.deepEqual(await violations(page), []);
    // The second press counts while the button asks, which is not for long.
    await whatIf.getByRole('button', { name: `Stop ${mixed} #${forked}` }).dblclick();
    await until('the fork stopped', async () => (await json(`/api/v1/runs/${forked}`)).state === 'stopped');
    assert.equal((await json(`/api/v1/runs/${joined}`)).state, 'running');
    await page.keyboard.press('Escape');
    await page.locator('.card').nth(3).waitFor();

    await page.getByRole('link', { name: 'Requests', exact: true }).click();
    await page.locator('button.request').first().click();
    const drawer = page.locator('dialog.drawer');
    await drawer.locator('table.ledger:not(.blame)').waitFor();
    await expect(drawer.locator('table.ledger:not(.blame) tbody tr')).toHaveCount(12);
    await expect(drawer.locator('section .note').first())
      .toHaveText(/^The parts sum to the end-to-end latency exactly/);
    await page.keyboard.press('Escape');

    // Every question of the page is one that the history answers.
    await page.getByRole('link', { name: 'SQL' }).click();
    for (const { title } of QUESTIONS) {
      await page.getByRole('button', { name: title, exact: true }).click();
      await until(`an answer to '${title}'`, async () => /^[\d,]+ rows? in /.test(await page.textContent(
        '.query-actions .note')) && await page.locator('.query-actions button.primary').isEnabled());
      await expect(page.locator('.query-actions .note.bad'), title).toHaveCount(0);
    }
    await page.getByRole('link', { name: 'vLLM' }).click();
    await page.waitForFunction(() => [...document.querySelectorAll('.vllm .panel')].every((panel) =>
      Number(panel.dataset.points) > 0));

    await page.getByRole('link', { name: 'History' }).click();
    await page.getByRole('link', { name: `Open run ${past.id}, ` }).click();
    await until('points of the past run', async () => await pointsOf(page, 'ttft') > 0 &&
      (await page.textContent('.pinned')).includes('stream yesterday'));
    await page.waitForFunction(() => document.querySelector('.panel[data-panel="ttft"]').dataset.runs === '1');
    assert.deepEqual(page.errors, []);
  });
});
