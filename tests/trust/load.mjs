// Many clients at once on the real daemon: ingest connections that each feed a stream of their own at a steady rate,
// and readers of the live page. At the end every arrival is acknowledged and stored, the daemon's memory has not grown,
// and acks were quick. Prints one row for the table of ./dev trust.
//
// usage: node load.mjs FOLDER_OF_PROGRAMS --ci|--quick|--long

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Socket, start_daemon, until, violation, violations } from './daemon.mjs';

const [programs, mode] = process.argv.slice(2);
const sizes = {
  '--ci': { clients: 200, readers: 40, seconds: 15 },
  '--quick': { clients: 1000, readers: 200, seconds: 60 },
  '--long': { clients: 1000, readers: 200, seconds: 600 },
}[mode];
const BATCH = 5; // arrivals
const PERIOD_MS = 1000; // between the batches of a client
const SLOPE_MAX = 0.02; // of the memory, over the second half of the time

const ack_ms = [];
let leaving = false;

class Client {
  constructor(port, number) {
    this.stream = `load-${number}`;
    this.sent = 0;
    this.acked = 0;
    this.times = new Map();
    this.socket = new Socket(port, '/ingest/v1', 'replayd.v1', (text) => this.hear(JSON.parse(text)),
      (why) => leaving || violation(`${this.stream}: ${why}`));
    this.socket.send(JSON.stringify({ hello: { stream: this.stream, scenarios: ['load'] } }));
  }

  hear(message) {
    if (message.failure) violation(`${this.stream}: ${message.failure.message}`);
    if (message.welcome) this.ready = true;
    if (!message.ack) return;
    for (let seq = this.acked + 1; seq <= Number(message.ack.seq); ++seq) {
      ack_ms.push(performance.now() - this.times.get(seq));
      this.times.delete(seq);
    }
    this.acked = Math.max(this.acked, Number(message.ack.seq));
  }

  send() {
    const seq = ++this.sent;
    const arrivals = Array.from({ length: BATCH }, (_, i) => ({
      id: `r${seq}-${i}`, arrival_ns: (seq * BATCH + i) * 1e8, prompt_tokens: 100, output_tokens: 10,
    }));
    this.times.set(seq, performance.now());
    this.socket.send(JSON.stringify({ batch: { seq, arrivals } }));
  }
}

const rss_mb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;

// Least squares over the second half: growth over that time as a share of the mean.
function growth(samples) {
  const half = samples.slice(Math.floor(samples.length / 2));
  const mean_x = (half.length - 1) / 2, mean = half.reduce((a, b) => a + b, 0) / half.length;
  let top = 0, bottom = 0;
  half.forEach((value, x) => { top += (x - mean_x) * (value - mean); bottom += (x - mean_x) ** 2; });
  return bottom === 0 ? 0 : ((top / bottom) * half.length) / mean;
}

const started = Date.now();
const folder = mkdtempSync(join(tmpdir(), 'replayd-load-'));
// A connection is a file: more than the usual 1,024 are needed.
const { child: daemon, port, db } = await start_daemon(programs, folder, 'ulimit -n 8192; exec');

const clients = [];
for (let i = 0; i < sizes.clients; ++i) {
  clients.push(new Client(port, i));
  // Streams are created by a few threads, and more than 256 hellos at a time are told to come back.
  if (i % 100 === 99) await until('the clients are welcome', () => clients.every((client) => client.ready));
}
await until('all clients are welcome', () => clients.every((client) => client.ready));
let live_messages = 0;
const readers = [];
for (let i = 0; i < sizes.readers; ++i) {
  readers.push(new Socket(port, `/live/v1?stream=load-${i}`, 'replayd.live.v1', () => ++live_messages,
    (why) => leaving || violation(`live reader: ${why}`)));
}

const memory = [];
const start = performance.now();
for (let round = 0; performance.now() - start < sizes.seconds * 1000; ++round) {
  // Spread over the period, as clients that know nothing of each other are.
  for (let slot = 0; slot < 20; ++slot) {
    for (let i = slot; i < clients.length; i += 20) clients[i].send();
    const next = start + round * PERIOD_MS + ((slot + 1) * PERIOD_MS) / 20;
    if (next > performance.now()) await sleep(next - performance.now());
    else await sleep(0);
  }
  memory.push(rss_mb(daemon.pid));
}
await until('everything is acknowledged', () => clients.every((client) => client.acked === client.sent));
const sent = clients.reduce((sum, client) => sum + client.sent * BATCH, 0);
leaving = true;
for (const socket of [...readers, ...clients.map((client) => client.socket)]) socket.close();
daemon.kill('SIGTERM');
await until('the daemon has ended', () => daemon.exitCode !== null);
if (daemon.exitCode !== 0) violation(`the daemon ended with ${daemon.exitCode}`);
const stored = JSON.parse(execFileSync(join(programs, 'replayctl'),
  ['query', 'SELECT coalesce(sum(arrivals), 0), count(DISTINCT stream_id) FROM arrival_batch', '--db', db, '--json']))
    .rows[0];
if (stored[0] !== sent) violation(`${stored[0]} arrivals are stored of ${sent} acknowledged`);
execFileSync(join(programs, 'replayctl'), ['check', '--db', db, '--json']);
const slope = growth(memory);
// A short run is still filling caches and histories when it ends.
if (mode === '--long' && slope > SLOPE_MAX)
  violation(`memory grew by ${(slope * 100).toFixed(1)} % in the second half`);
if (live_messages < sizes.readers) violation(`only ${live_messages} live messages came`);
ack_ms.sort((a, b) => a - b);
rmSync(folder, { recursive: true });
console.log(`trust load ${sent} ${violations.length} ${((Date.now() - started) / 1000).toFixed(1)} arrivals ` +
  `acknowledged and ` +
  `stored; ${sizes.clients} clients, ${sizes.readers} live readers, ${sizes.seconds} s; ack p50 ` +
  `${quantile(ack_ms, 0.5).toFixed(1)} ms, p99 ${quantile(ack_ms, 0.99).toFixed(1)} ms; memory ` +
  `${memory.at(-1)?.toFixed(0)} MB, ${(slope * 100).toFixed(1)} % in the second half; ${live_messages} live messages`);
process.exit(violations.length > 0 ? 1 : 0);
