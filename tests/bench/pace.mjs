// How many times real time a stream of a million requests an hour reaches at `max` with eight clusters in lockstep, by
// which requests get a row, beside what bounds it on this machine: the engine alone and the history's writer alone.
//
// usage: node tests/bench/pace.mjs [FOLDER_OF_PROGRAMS] [MINUTES]     (build/release 60)

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { writeScenarios, writeTrace } from './live_scenarios.mjs';

const programs = resolve(process.argv[2] ?? 'build/release');
const minutes = Number(process.argv[3] ?? 60);
const TICKS_PER_SECOND = 100; // of /proc/PID/stat on Linux
const folder = mkdtempSync(join(tmpdir(), 'replayd-pace-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const names = writeScenarios(programs, join(folder, 'scenarios'));
const trace = join(folder, 'trace.jsonl.gz');
writeTrace(programs, trace, minutes);

/** Seconds of processor time of a process. */
function processorTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Streams the trace into a daemon of its own: wall and processor seconds, and the hashes of the runs. */
async function measure(requestRows) {
  const port_file = join(folder, 'port');
  const history = join(folder, 'history.db');
  const daemon = spawn(`${programs}/replayd`, ['--listen', '127.0.0.1:0', '--db', history, '--port-file', port_file,
    '--scenario-dir', join(folder, 'scenarios'), '--log-level', 'warn'], { stdio: 'inherit' });
  const over = new Promise((done) => { daemon.on('exit', done); });
  while (!existsSync(port_file)) await sleep(20);
  const url = `http://127.0.0.1:${readFileSync(port_file, 'utf8').trim()}`;
  const busy = processorTime(daemon.pid);
  const began = process.hrtime.bigint();
  const answer = JSON.parse(execFileSync(`${programs}/replayctl`, ['stream', trace, '--daemon', url, '--stream', 'pace',
    '--speed', '0',
    '--request-rows', requestRows, '--wait', '--json', ...names.flatMap((name) => ['--scenario', name])],
    { encoding: 'utf8' }));
  const wall = Number(process.hrtime.bigint() - began) / 1e9;
  const processor = processorTime(daemon.pid) - busy;
  daemon.kill('SIGTERM');
  await over;
  for (const file of [port_file, history, `${history}-wal`, `${history}-shm`]) rmSync(file, { force: true });
  return { wall, processor, arrivals: answer.arrivals, hashes: answer.runs.map((run) => run.hash).join() };
}

const cores = availableParallelism();
console.log(`${names.length} clusters, 1 M requests/hour, ${minutes} min of virtual time at max, ${cores} cores`);
console.log('rows of requests    µs of processor per request and run    x real time');
let hashes;
for (const requestRows of ['all', 'sampled:0.01', 'none']) {
  const { wall, processor, arrivals, hashes: found } = await measure(requestRows);
  hashes ??= found;
  if (found !== hashes) throw new Error(`request_rows = ${requestRows} changed a run: ${found} instead of ${hashes}`);
  console.log(`${requestRows.padEnd(18)} ${(processor * 1e6 / arrivals / names.length).toFixed(2).padStart(39)} ` +
    `${(minutes * 60 / wall).toFixed(0).padStart(14)}`);
}

const short = join(folder, 'short.jsonl.gz'); // what takes each request alone does not depend on how many there are
writeTrace(programs, short, Math.min(minutes, 20));
const limits = JSON.parse(execFileSync(`${programs}/pace_limits`,
  [short, ...names.map((name) => join(folder, 'scenarios', `${name}.toml`))], { encoding: 'utf8' }));
const hourly = 3600 / (1e6 * names.length); // seconds of real time that a request and run stand for
const bound = (us, on) => (on * hourly / (us / 1e6)).toFixed(0).padStart(14);
console.log(`the engine alone   ${limits.engine_us.toFixed(2).padStart(39)} ${bound(limits.engine_us, cores)}   on ` +
  `every core`);
console.log(`the writer alone   ${limits.row_us.toFixed(2).padStart(39)} ${bound(limits.row_us, 1)}   on its one ` +
  `thread`);
