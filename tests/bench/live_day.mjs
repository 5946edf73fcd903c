// A day of traffic that swells and ebbs, streamed live into a fixed cluster and into two whose prefill replicas come
// and go, side by side: what each costs in GPU hours, and what share of the requests it serves within the objectives.
//
// usage: node tests/bench/live_day.mjs [FOLDER_OF_PROGRAMS] [LENGTHS_TRACE] [HOURS]     (build/release; lengths are
// drawn from the trace where one is named; 24)

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const programs = resolve(process.argv[2] ?? 'build/release');
const lengths = process.argv[3];
const hours = Number(process.argv[4] ?? 24);
const PRICE = 2.5; // per GPU and hour, as in replay/search/examples/llama-3-70b-h100-day.toml
const PREFILL_MAX = 4;
const BASE = readFileSync(new URL('../../replay/search/examples/llama-3-70b-h100-pd.toml', import.meta.url), 'utf8');

const folder = mkdtempSync(join(tmpdir(), 'replayd-day-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, 'scenarios'));

/** The cluster of the search with so many prefill replicas, which a rule may change. */
function cluster(name, replicas, autoscale = '') {
  const toml = BASE.replace(/^name = .*$/m, `name = "${name}"`)
    .replace('role = "prefill"', `role = "prefill"\nreplicas = ${replicas}\n${autoscale}`)
    .replace('role = "decode"', 'role = "decode"\nreplicas = 1');
  writeFileSync(join(folder, 'scenarios', `${name}.toml`), toml);
  return name;
}

const scenarios = [
  cluster('fixed-2', 2), cluster('fixed-3', 3), cluster('fixed-4', 4),
  cluster('utilisation', PREFILL_MAX, 'autoscale = { rule = "utilisation", target = 0.6 }'),
  cluster('objective', PREFILL_MAX, 'autoscale = { rule = "objective", target = 0.5 }'),
];

const trace = join(folder, 'day.jsonl.zst');
execFileSync(`${programs}/replayctl`, ['generate', trace, '--process', 'diurnal', '--rate', '12', '--duration',
  `${hours}h`, '--seed', '1',
  ...(lengths ? ['--lengths-from', lengths] : ['--prompt-median', '850', '--output-median', '130'])],
  { stdio: 'ignore' });

const port_file = join(folder, 'port');
const history = join(folder, 'history.db');
const daemon = spawn(`${programs}/replayd`, ['--listen', '127.0.0.1:0', '--db', history, '--port-file', port_file,
  '--scenario-dir', join(folder, 'scenarios'), '--log-level', 'warn'], { stdio: 'inherit' });
process.on('exit', () => daemon.kill('SIGKILL'));
while (!existsSync(port_file)) await sleep(20);
const url = `http://127.0.0.1:${readFileSync(port_file, 'utf8').trim()}`;

const began = Date.now();
execFileSync(`${programs}/replayctl`, ['stream', trace, '--daemon', url, '--stream', 'day', '--speed', '0', '--wait',
  ...scenarios.flatMap((name) => ['--scenario', name])], { stdio: ['ignore', 'ignore', 'inherit'] });
const seconds = (Date.now() - began) / 1000;

const { rows } = JSON.parse(execFileSync(`${programs}/replayctl`, ['query',
  `SELECT scenario, finished, rejected, slo_attainment, ttft_p99_ms, tpot_p99_ms, gpu_ns / 3.6e12, replicas_started,
     replicas_stopped
   FROM run_summary JOIN (SELECT id AS run_id, gpu_ns, replicas_started, replicas_stopped FROM run) USING (run_id)
   ORDER BY run_id`, '--daemon', url, '--json'], { encoding: 'utf8' }));
console.log('cluster        requests  rejected  in SLO     TTFT p99    TPOT p99   GPU hours   per hour  started  ' +
  'stopped');
for (const [name, finished, rejected, attainment, ttft, tpot, gpu_hours, started, stopped] of rows) {
  console.log(`${name.padEnd(12)} ${String(finished).padStart(10)} ${String(rejected).padStart(9)} ` +
    `${(100 * attainment).toFixed(2).padStart(7)} %` +
    `${ttft.toFixed(0).padStart(9)} ms ${tpot.toFixed(1).padStart(8)} ms ${gpu_hours.toFixed(1).padStart(11)} ` +
    `${(gpu_hours * PRICE / hours).toFixed(2).padStart(10)} ${String(started).padStart(8)} ` +
    `${String(stopped).padStart(8)}`);
}
console.log(`${hours} h of traffic, ${scenarios.length} clusters, streamed in ${seconds.toFixed(1)} s: ` +
  `${(hours * 3600 / seconds).toFixed(0)} x real time`);
daemon.kill('SIGTERM');
