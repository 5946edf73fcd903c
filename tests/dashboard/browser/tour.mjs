// Takes the pictures of dashboard/screenshots/ from a real daemon that replays a generated trace:
//   REPLAYD_BUILD=build/release node tests/dashboard/browser/tour.mjs [NAME…]
// What "production observed" is played by the disaggregated cluster: its times go into the trace that the mixed one is
// held against.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, openPage } from './chromium.mjs';

const BUILD = process.env.REPLAYD_BUILD ?? 'build/release';
const FOLDER = fileURLToPath(new URL('../../../dashboard/screenshots/', import.meta.url));
const [MIXED, PD] = ['llama-3.1-8b-h100-mixed', 'llama-3.1-8b-h100-pd'];
const SEARCH = fileURLToPath(new URL('../../../replay/search/examples/llama-3-70b-h100-azure.toml', import.meta.url));
const SIZE = { width: 1366, height: 860 };
/** Of WebP; text stays sharp. */
const QUALITY = 82;
/** Rows that one answer of the history may have. */
const MEASURED = 9_900;
const SQL = `SELECT scenario, arrived_ns / 60000000000 AS minute, percentile(ttft_ms, 99) AS ttft_p99_ms
FROM request_latency GROUP BY 1, 2`;

/** Name of the picture, address, what has to be there, theme, and what is done before it is taken. */
const TOUR = [
  ['overview', '#/overview', '.stream svg.spark'],
  ['live', '#/live?stream=demo', '.panel[data-panel="tpot"]:not(.is-empty)', 'dark'],
  ['requests', '#/requests?stream=demo&order=slowest_ttft', 'button.request', 'light', async (page) => {
    await page.locator('button.request').first().click();
    await page.locator('dialog.drawer .twin').first().waitFor();
  }],
  ['compare', '#/compare?stream=demo', '.compare-requests tbody tr'],
  ['observed', '#/observed?stream=measured', '.observed tbody tr[data-metric="e2e"]'],
  ['forecast', `#/forecast?stream=followed&traffic=ramp&growth=2&candidates=${PD}`, '.forecast .candidates input',
    'light', async (page) => {
    await page.getByRole('button', { name: 'Look ahead' }).click();
    await page.locator('.forecast-result').waitFor();
  }],
  ['memory', '#/memory?stream=demo', '.memory-time canvas'],
  ['moment', '#/moment?stream=demo&at=1800', '.moment-requests tbody tr'],
  ['experts', '#/experts?stream=experts', '.expert-pool', 'dark'],
  ['vllm', '#/vllm?stream=demo', '.vllm .panel[data-panel="throughput"]:not(.is-empty)'],
  ['search', '#/search', '.search-chart circle.member', 'light', async (page) => {
    await page.locator('.search .quiet').first().click();
    await page.locator('.command code:not(:empty)').waitFor();
    await page.evaluate(() => scrollTo(0, 0));
  }],
  ['history', '#/history', '.history tbody tr'],
  ['query', `#/query?sql=${encodeURIComponent(SQL)}&x=minute&y=ttft_p99_ms&series=scenario`, '.result-figure'],
];

const named = process.argv.slice(2);
const wanted = (name) => named.length === 0 || named.includes(name);
const client = join(BUILD, 'replayctl');
const work = await mkdtemp(join(tmpdir(), 'replayd-tour-'));
await mkdir(join(work, 'searches'));
const daemon = spawn(join(BUILD, 'replayd'), ['--listen', '127.0.0.1:0', '--port-file', join(work, 'port'), '--db',
  join(work, 'history.sqlite'), '--dashboard', join(BUILD, 'dashboard'), '--searches', join(work, 'searches'),
  '--log-level', 'warn'], { stdio: 'inherit' });
const browser = await launch();
let following = null;
try {
  const base = await ready();
  const trace = join(work, 'trace.jsonl.gz');
  const stream = (name, speed, ...scenarios) => ['stream', trace, '--stream', name, '--daemon', base, '--speed',
    String(speed), ...scenarios.flatMap((scenario) => ['--scenario', scenario])];
  const run = (...args) => execFileSync(client, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  run('generate', trace, '--duration', '1h', '--rate', '9', '--seed', '7', '--process', 'diurnal', '--diurnal-period',
    '1h', '--diurnal-amplitude', '0.7', '--turns', '3', '--think', '20s',
    '--system-prompts', '4', '--system-tokens', '512', '--prompt-median', '600', '--output-median', '180',
    '--context-max', '24000');
  if (wanted('experts') || wanted('overview')) run(...stream('experts', 0, 'deepseek-v3-h800-pd', 'step-3-h100-afd'),
    '--wait');
  run(...stream('demo', 0, MIXED, PD), '--wait');
  if (wanted('search')) {
    // Within the folder, so that the picture names the trace alone.
    execFileSync(resolve(client), ['search', SEARCH, 'trace.jsonl.gz', '--limit', '6000', '--db',
      'searches/llama-3-70b.db'],
      { cwd: work, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  if (wanted('observed')) await writeFile(join(work, 'measured.jsonl'), await measured(base, trace));
  if (wanted('observed')) run('stream', join(work, 'measured.jsonl'), '--stream', 'measured', '--daemon', base,
    '--speed', '0', '--scenario', MIXED, '--wait');
  if (wanted('forecast') || wanted('overview')) following = spawn(client, stream('followed', 60, MIXED),
    { stdio: 'ignore' });
  for (const [name, address, shown, theme = 'light', prepare = null] of TOUR.filter(([each]) => wanted(each)))
    await take(base, name, address, shown, theme, prepare);
} finally {
  following?.kill();
  await browser.close();
  daemon.kill();
  await once(daemon, 'exit');
  await rm(work, { recursive: true });
}

async function ready() {
  for (;;) {
    try {
      const base = `http://127.0.0.1:${(await readFile(join(work, 'port'), 'utf8')).trim()}`;
      if ((await fetch(`${base}/readyz`)).ok) return base;
    } catch {
      if (daemon.exitCode !== null) throw new Error(`replayd ended with ${daemon.exitCode}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The first arrivals of the trace with the times that the disaggregated run gave them, as observed ones. */
async function measured(base, trace) {
  const sql = `SELECT sequence, ttft_ns, tpot_ns, e2e_ns FROM request_latency WHERE scenario = '${PD}' AND sequence ` +
    `< ${MEASURED} ORDER BY sequence`;
  const answer = await fetch(`${base}/api/v1/query`, { method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql }) });
  const { rows } = await answer.json();
  const lines = gunzipSync(await readFile(trace)).toString().split('\n');
  return rows.map(([sequence, ttft, tpot, e2e]) => JSON.stringify({ ...JSON.parse(lines[sequence]),
    observed_ttft_ns: ttft, observed_e2e_ns: e2e, ...(tpot === null ? {} : { observed_tpot_ns: tpot }) })).join('\n');
}

/** The picture once nothing waits to be drawn: two looks at the page that are the same. */
async function take(base, name, address, shown, colorScheme, prepare) {
  const page = await openPage(browser, `${base}/${address}`, { colorScheme, viewport: SIZE });
  await page.locator(shown).first().waitFor();
  await prepare?.(page);
  let before = null;
  for (let look = 0; look < 20; look += 1) {
    await page.waitForTimeout(700);
    const now = await page.screenshot();
    if (before !== null && now.equals(before)) break;
    before = now;
  }
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await writeFile(join(FOLDER, `${name}.webp`), Buffer.from(data, 'base64'));
  await page.close();
  console.log(name);
}
