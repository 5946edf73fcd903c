// What a live stream costs: a million requests an hour into eight clusters side by side, at real speed or as fast as it
// goes. Prints the daemon's share of a core and its memory once a minute, and at the end how fast it was.
//
// usage: node tests/bench/live_load.mjs [FOLDER_OF_PROGRAMS] [MINUTES] [SPEED]     (build/release 30 1; speed 0: no
// limit)

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { writeScenarios, writeTrace } from './live_scenarios.mjs';

const programs = resolve(process.argv[2] ?? 'build/release');
const minutes = Number(process.argv[3] ?? 30);
const speed = Number(process.argv[4] ?? 1);
const TICKS_PER_SECOND = 100; // of /proc/PID/stat on Linux
const PAGE_BYTES = 4096;
const folder = mkdtempSync(join(tmpdir(), 'replayd-live-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const names = writeScenarios(programs, join(folder, 'scenarios'));
const trace = join(folder, 'trace.jsonl.gz');
writeTrace(programs, trace, minutes);

const history = join(folder, 'history.db');
const port_file = join(folder, 'port');
const daemon = spawn(`${programs}/replayd`, ['--listen', '127.0.0.1:0', '--db', history, '--port-file', port_file,
  '--scenario-dir', join(folder, 'scenarios'), '--log-level', 'warn'], { stdio: 'inherit' });
process.on('exit', () => daemon.kill('SIGKILL'));
while (!existsSync(port_file)) await sleep(20);
const url = `http://127.0.0.1:${readFileSync(port_file, 'utf8').trim()}`;

/** Seconds of processor time and resident bytes of the daemon. */
function used() {
  const fields = readFileSync(`/proc/${daemon.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return { cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, bytes: Number(fields[21]) * PAGE_BYTES };
}

function row(seconds, { cpu, bytes }) {
  console.log(`${seconds.toFixed(0).padStart(6)} s   ${(100 * cpu / seconds).toFixed(1).padStart(5)} % of a core   ` +
    `${(bytes / 1e6).toFixed(0).padStart(5)} MB resident   ${(statSync(history).size / 1e6).toFixed(0).padStart(6)} ` +
    `MB of history`);
}

const began = Date.now();
const client = spawn(`${programs}/replayctl`, ['stream', trace, '--daemon', url, '--stream', 'live', '--speed',
  String(speed), '--batch',
  '250', '--wait', ...names.flatMap((name) => ['--scenario', name])], { stdio: ['ignore', 'ignore', 'inherit'] });
const ended = new Promise((done) => { client.on('exit', done); });
let over = false;
ended.then(() => { over = true; });
while (!over) {
  await Promise.race([ended, sleep(60_000)]);
  row((Date.now() - began) / 1000, used());
}
const status = await ended;
const seconds = (Date.now() - began) / 1000;
console.log(`${names.length} scenarios, ${minutes} min of traffic in ${seconds.toFixed(0)} s: ` +
  `${(minutes * 60 / seconds).toFixed(1)} x real time`);
daemon.kill('SIGTERM');
process.exit(status);
