// Clients that behave badly on the real daemon, while a good one feeds a stream: they never read, announce giant
// frames, send small ones without end, subscribe in masses, send more than their credit. All the while every queue
// stays within its stated bound, received = stored + rejected + repeated + inflight holds for every stream, the memory
// of the process stays within what the bounds add up to, and the good client gets each of its acks. Prints one row for
// ./dev trust.
//
// usage: node memory.mjs FOLDER_OF_PROGRAMS --ci|--quick|--long

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Socket, start_daemon, until, violation, violations } from './daemon.mjs';

const [programs, mode] = process.argv.slice(2);
// How many clients of each kind, how many batches the good client feeds meanwhile, how often all of it.
const { each, batches, rounds } = {
  '--ci': { each: 10, batches: 20, rounds: 1 },
  '--quick': { each: 30, batches: 60, rounds: 1 },
  '--long': { each: 100, batches: 500, rounds: 10 },
}[mode];

// The stated bounds: batches on their way per ingest connection (daemon/stream/ingest_session.hpp) and one that is
// being read; result rows (storage/history.hpp) and those of one slice per engine thread; requests for the task threads
// (daemon/app/app.cpp); windows per live reader and run (daemon/api/live_hub.hpp).
const INFLIGHT_BATCHES = 257;
const STORAGE_ROWS = 200_000 + 20_000;
const TASKS = 256 + 16;
const LIVE_WINDOWS = 1000;
// What the process may take at most, from the bounds of connections (a message of 16 MiB that is being read) and of
// streams (64 MiB of recent batches, and 200,000 arrivals that the runs have yet to take).
const RSS_MB_MAX = 256 + each * (2 * 16 + 64);

const HELLO = (stream) => JSON.stringify({ hello: { stream, scenarios: ['load'] } });
const batch = (seq, size = 1) => JSON.stringify({ batch: { seq, arrivals: Array.from({ length: size }, (_, i) => ({
  // Far enough apart for the cluster: what waits in it is bounded by itself (k_run_requests_max of
  // daemon/stream/run_worker.hpp).
  id: `r${seq}-${i}`, arrival_ns: (seq * size + i) * 1e8, prompt_tokens: 50, output_tokens: 5 })) } });

const rss_mb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

// A connection that sends what `next` gives whenever TCP takes more, after the answer to an upgrade, and reads nothing
// of what comes then unless `reads`.
class Flood {
  constructor(port, first, next, { reads = false } = {}) {
    this.sent = 0;
    this.ended = false;
    this.wake = () => {};
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('drain', () => this.wake());
    this.socket.on('close', () => { this.ended = true; this.wake(); });
    this.socket.write(first);
    const begin = () => {
      if (reads) this.socket.on('data', () => {});
      else this.socket.pause();
      this.pump(next);
    };
    if (first.includes('Upgrade: websocket')) this.socket.once('data', begin);
    else begin();
  }
  async pump(next) {
    while (!this.ended) {
      const bytes = next(this.sent);
      if (bytes === null) return;
      ++this.sent;
      if (!this.socket.write(bytes)) await new Promise((resolve) => { this.wake = resolve; });
      else await new Promise(setImmediate);
    }
  }
  close() { this.ended = true; this.socket.destroy(); }
}

const upgrade = (path, protocol) =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ` +
  `${protocol}\r\n\r\n`;

// A masked frame (a mask of zeros leaves the bytes as they are); `length` may be more than the payload has.
function frame(opcode, payload, { final = true, length = payload.length } = {}) {
  const extended = length < 126 ? 0 : length < 65536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended + 4);
  head[0] = (final ? 128 : 0) | opcode;
  head[1] = 128 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, Buffer.from(payload)]);
}

const ingest = upgrade('/ingest/v1', 'replayd.v1');
const live = upgrade('/live/v1', 'replayd.live.v1');
const mebibyte = Buffer.alloc(1 << 20, 120);
const none = () => null;
/** Name and maker of each kind; `i` numbers its clients. */
const kinds = {
  'live readers that never read': (port) => new Flood(port, live, none),
  'feeders that never read their acks': (port, i) =>
    new Flood(port, ingest, (n) => frame(1, n === 0 ? HELLO(`deaf-${i}`) : batch(n))),
  'pipelined requests whose answers are not read': (port) =>
    new Flood(port, '', () => 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.repeat(50)),
  'frames that announce 2^62 bytes': (port) => new Flood(port, ingest, (n) => n === 0 ? frame(2, mebibyte,
    { length: 2 ** 62 }) : mebibyte),
  'frames of 15 MiB': (port) => new Flood(port, ingest, () => frame(2, Buffer.alloc(15 << 20, 120)), { reads: true }),
  'messages in fragments without end': (port) => new Flood(port, ingest, (n) => frame(n === 0 ? 2 : 0, mebibyte,
    { final: false }), { reads: true }),
  'pings without end': (port) => new Flood(port, ingest, () => Buffer.concat(Array(500).fill(frame(9, 'p'))),
    { reads: true }),
  'empty fragments without end': (port) =>
    new Flood(port, ingest, (n) => Buffer.concat([...(n === 0 ? [frame(1, '', { final: false })] : []), ...Array(500)
      .fill(frame(0, '', { final: false }))]), { reads: true }),
  'arrivals far beyond the credit': (port, i) =>
    new Flood(port, ingest, (n) => frame(1, n === 0 ? HELLO(`greedy-${i}`) : batch(n, 5000)), { reads: true }),
  'subscriptions in masses': (port, i) => Array.from({ length: 5 },
    () => new Flood(port, upgrade(`/live/v1?stream=deaf-${i}`, 'replayd.live.v1'), none, { reads: true })),
  'bodies that are never complete': (port) =>
    new Flood(port, 'POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 8000000\r\n\r\n',
      (n) => n < 7 ? mebibyte : null),
};

/**
 * The most arrivals received of a stream whose name begins so: that those who misbehave got through to where it
 * matters.
 */
const heard = {};

/** Values by name and labels of the exposition. */
async function scrape(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return text.split('\n').flatMap((line) => {
    const found = /^(replayd_(?:queue_depth|stream_\w+|backlog_arrivals))\{(.*?)\} (\S+)$/.exec(line);
    return found === null ? [] : [{ name: found[1], labels: found[2], value: Number(found[3]) }];
  });
}

function check(series, clients) {
  const highest = {};
  const bound = (what, value, most) => {
    highest[what] = Math.max(highest[what] ?? 0, value);
    if (value > most) violation(`${what}: ${value}, expected at most ${most}`);
  };
  const streams = new Map();
  for (const { name, labels, value } of series) {
    const queue = /queue="(\w+)"/.exec(labels)?.[1];
    if (queue === 'storage') bound('result rows', value, STORAGE_ROWS);
    if (queue === 'appends') bound('appends', value, clients * INFLIGHT_BATCHES);
    if (queue === 'tasks') bound('tasks', value, TASKS + clients);
    if (queue === 'live') bound('live windows', value, clients * LIVE_WINDOWS);
    if (name === 'replayd_stream_inflight_batches') bound('batches on their way', value, INFLIGHT_BATCHES);
    if (name === 'replayd_backlog_arrivals') bound('backlog', value, 200_000);
    const count =
      /^replayd_stream_(received|stored|rejected|repeated)_total$|^replayd_stream_(inflight)_arrivals$/.exec(name);
    if (count !== null) streams.set(labels, { ...streams.get(labels), [count[1] ?? count[2]]: value });
  }
  for (const [labels, { received }] of streams) {
    const kind = /stream="([a-z]+)/.exec(labels)[1];
    heard[kind] = Math.max(heard[kind] ?? 0, received);
  }
  for (const [labels, { received, stored, rejected, repeated, inflight }] of streams) {
    if (received !== stored + rejected + repeated + inflight) {
      violation(`${labels}: ${received} received, but ${stored} stored + ${rejected} rejected + ${repeated} repeated ` +
        `+ ${inflight} inflight`);
    }
  }
  return highest;
}

const started = Date.now();
const folder = mkdtempSync(join(tmpdir(), 'replayd-memory-'));
const { child: daemon, port } = await start_daemon(programs, folder, 'ulimit -n 8192; exec');
let tried = 0, rss = 0;
const before = rss_mb(daemon.pid);
const highest = {};
let clients = 0;
async function look() {
  for (const [what, value] of Object.entries(check(await scrape(port), clients + 1)))
    highest[what] = Math.max(highest[what] ?? 0, value);
  rss = Math.max(rss, rss_mb(daemon.pid));
}

// The good client: one batch after the other is acknowledged while the others do what they do.
async function good(name, wanted, meanwhile) {
  let acked = 0, over = false;
  const socket = new Socket(port, '/ingest/v1', 'replayd.v1', (text) => {
    const message = JSON.parse(text);
    if (message.welcome) socket.send(batch(1));
    if (message.failure) violation(`the good client was refused: ${message.failure.message}`);
    if (!message.ack) return;
    acked = Number(message.ack.seq);
    if (acked < wanted) socket.send(batch(acked + 1));
  }, (why) => { if (acked < wanted && !over) violation(`the good client lost its connection: ${why}`); over = true; });
  socket.send(HELLO(name));
  while (acked < wanted && !over) await meanwhile();
  over = true;
  socket.close();
}

for (let round = 0; round < rounds; ++round) {
  for (const [name, make] of [...Object.entries(kinds), ['all of them at once', null]]) {
    const crowd = make === null
      ? Object.values(kinds).flatMap((one) => Array.from({ length: Math.ceil(each / 10) }, (_, i) => one(port, i))
        .flat())
      : Array.from({ length: each }, (_, i) => make(port, i)).flat();
    clients = crowd.length;
    tried += crowd.length;
    const deadline = Date.now() + 120_000;
    await good(`good-${round}-${name.replaceAll(/[^a-z0-9]+/gi, '-')}`, batches, async () => {
      await look();
      await sleep(20);
      if (Date.now() > deadline) { violation(`${name}: the good client starves`); process.exit(1); }
    });
    await look();
    for (const one of crowd) one.close();
    console.error(`${name}: ${rss_mb(daemon.pid).toFixed(0)} MB`);
  }
}
await until('the connections are gone', async () => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return /^replayd_connections\{kind="ingest"\} 0$/m.test(text) && /^replayd_connections\{kind="live"\} 0$/m.test(text);
});
if ((await fetch(`http://127.0.0.1:${port}/readyz`)).status !== 200) violation('not ready afterwards');
for (const kind of ['deaf', 'greedy']) if (!(heard[kind] > 0))
  violation(`no ${kind} client got an arrival through: nothing was tried`);
if (rss > RSS_MB_MAX) violation(`memory rose to ${rss.toFixed(0)} MB, expected at most ${RSS_MB_MAX}`);
const after = rss_mb(daemon.pid);
daemon.kill('SIGTERM');
await until('the daemon has ended', () => daemon.exitCode !== null);
if (daemon.exitCode !== 0) violation(`the daemon ended with ${daemon.exitCode}`);
rmSync(folder, { recursive: true });
const depths = Object.entries(highest).map(([what, value]) => `${what} ${value}`).join(', ');
console.log(`trust memory ${tried} ${violations.length} ${((Date.now() - started) / 1000).toFixed(1)} clients of ` +
  `${Object.keys(kinds).length} kinds that misbehave, the good one acknowledged throughout; memory ` +
  `${before.toFixed(0)} MB before, ` +
  `${rss.toFixed(0)} MB at most, ${after.toFixed(0)} MB after; highest: ${depths}`);
process.exit(violations.length > 0 ? 1 : 0);
