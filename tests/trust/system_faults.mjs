// The real daemon when the system runs out: of disk (a tmpfs of 12 MB that is filled up and emptied again), of file
// descriptors, and of a steady wall clock. It acknowledges nothing that it does not store, says what is wrong, and goes
// on by itself. Prints a row for the table of ./dev trust for each.
//
// usage: node system_faults.mjs FOLDER_OF_PROGRAMS --ci|--quick|--long

import { execFileSync } from 'node:child_process';
import {
  closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Socket, start_daemon, until, violation, violations } from './daemon.mjs';

const [programs, mode] = process.argv.slice(2);
const rounds = { '--ci': 2, '--quick': 10, '--long': 100 }[mode];

// A client that comes back, sends what is not durable, and remembers what was acknowledged.
class Client {
  constructor(port, stream, batches) {
    Object.assign(this, { port, stream, batches, acked: 0, lost: 0, answers: [] });
  }

  // Sends until all is acknowledged, the daemon says no, or nothing comes for a while: true with the first.
  async feed() {
    let next = 0, over = false;
    const socket = new Socket(this.port, '/ingest/v1', 'replayd.v1', (text) => {
      const message = JSON.parse(text);
      if (message.welcome) {
        next = Number(message.welcome.next_seq);
        if (next - 1 < this.acked) violation(`${this.stream}: ${this.acked} were acknowledged, ${next - 1} are there`);
        this.acked = next - 1;
      }
      if (message.ack) this.acked = Number(message.ack.seq);
      if (message.failure) this.answers.push(message.failure.code);
    }, () => { over = true; });
    socket.send(JSON.stringify({ hello: { stream: this.stream, scenarios: ['load'] } }));
    await until('the daemon welcomes or refuses', () => next > 0 || over);
    for (; !over && next <= this.batches; ++next) socket.send(batch(next));
    await until('all is acknowledged or refused', () => over || this.acked >= this.batches);
    socket.close();
    return this.acked >= this.batches;
  }
}

function batch(seq) {
  const arrivals = Array.from({ length: 20 }, (_, i) => ({
    id: `request-${seq}-${i}`.padEnd(100, '.'), arrival_ns: (seq * 20 + i) * 1e7, prompt_tokens: 50, output_tokens: 5,
  }));
  return JSON.stringify({ batch: { seq, arrivals } });
}

const status_of = async (port, path) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
const metric = async (port, name) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())?.[1]);

// Transactions of the history, failed or not.
const tries = async (port) => (await metric(port, 'replayd_storage_failed_commits_total')) +
  (await metric(port, 'replayd_storage_commit_seconds_count'));

async function stop(daemon) {
  daemon.child.kill('SIGTERM');
  await until('the daemon has ended', () => daemon.child.exitCode !== null);
  if (daemon.child.exitCode !== 0) violation(`the daemon ended with ${daemon.child.exitCode}`);
}

function stored_batches(db, stream) {
  const rows = JSON.parse(execFileSync(join(programs, 'replayctl'), ['query',
    `SELECT count(*) FROM arrival_batch JOIN stream ON stream.id = stream_id WHERE name = '${stream}'`, '--db', db,
    '--json'])).rows;
  execFileSync(join(programs, 'replayctl'), ['check', '--db', db, '--json']);
  return rows[0][0];
}

async function part(name, note, body) {
  const before = violations.length, started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), `replayd-${name}-`));
  let tried = 0;
  try {
    tried = await body(folder);
  } catch (error) {
    if (error instanceof NotHere) note = `skipped: ${error.message}`;
    else violation(`${name}: ${error.message}`);
  }
  rmSync(folder, { recursive: true, force: true });
  console.log(`trust ${name} ${tried} ${violations.length - before} ${((Date.now() - started) / 1000).toFixed(1)} ` +
    `${note}`);
}

/** What this machine does not let us try. */
class NotHere extends Error {}

function mount_tmpfs(folder) {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    throw new NotHere('no right to mount a tmpfs (a container, or not root)');
  }
}

const PAGE = 4096; // of a tmpfs and of SQLite

// Appends to the file until the disk has no room.
function fill(file) {
  const fd = openSync(file, 'a');
  try { for (;;) writeSync(fd, Buffer.alloc(PAGE)); } catch { /* there is none left */ }
  closeSync(fd);
}

// The disk is filled by somebody else while a client sends, and emptied again.
async function disk_full(folder) {
  mount_tmpfs(folder);
  try {
    for (let round = 1; round <= rounds; ++round) {
      const daemon = await start_daemon(programs, folder);
      const client = new Client(daemon.port, 'full', 130 * (1 + (round % 5)));
      await client.feed();
      const full = join(folder, 'somebody-elses');
      fill(full);
      client.batches = 6000; // more than the whole disk has room for
      // The daemon has tried again before it is judged: what its write-ahead log has taken of the disk is room for a
      // small transaction of its own. If it moves the log into its file, space comes back, of which somebody else takes
      // the rest.
      let not_ready = 0;
      for (let i = 0; i < 20 && not_ready < 3; ++i) {
        await client.feed();
        const tried = await tries(daemon.port), acked = client.acked;
        await until('it has tried again', async () => (await tries(daemon.port)) > tried);
        const trouble = await metric(daemon.port, 'replayd_storage_trouble');
        if ((await status_of(daemon.port, '/readyz')) === 503) {
          if (trouble === 1) ++not_ready;
        } else {
          await client.feed();
          if (client.acked === acked) violation(`round ${round}: ready, and takes nothing`);
          fill(full);
        }
      }
      if (not_ready < 3) violation(`round ${round}: ready on a full disk, or the gauge does not tell`);
      if (client.acked >= client.batches) violation(`round ${round}: everything was acknowledged on a full disk`);
      if (!client.answers.includes('unavailable')) violation(`round ${round}: the client was not told`);
      rmSync(full);
      await until('it is ready again without a restart', async () => (await status_of(daemon.port, '/readyz')) === 200);
      client.batches = client.acked + 20;
      if (!(await client.feed())) violation(`round ${round}: nothing is taken after space returned`);
      if (stored_batches(daemon.db, 'full') < client.acked)
        violation(`round ${round}: acknowledged batches are missing`);
      await stop(daemon);
      for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
    }
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
  return rounds;
}

// The daemon may open a few more files than it has; connections take them all, and give them back.
async function no_descriptors(folder) {
  const daemon = await start_daemon(programs, folder);
  for (let round = 1; round <= rounds; ++round) {
    const open = readdirSync(`/proc/${daemon.child.pid}/fd`).length;
    execFileSync('prlimit', ['--pid', String(daemon.child.pid), `--nofile=${open + 10}:8192`]);
    const idle = Array.from({ length: 40 }, () => new Socket(daemon.port, '/live/v1', 'replayd.live.v1', () => {},
      () => {}));
    await until('the connections are there', () => readdirSync(`/proc/${daemon.child.pid}/fd`).length >= open + 9);
    for (const socket of idle) socket.close();
    const client = new Client(daemon.port, `files-${round}`, 50);
    await until('a client gets through again', () => client.feed());
    execFileSync('prlimit', ['--pid', String(daemon.child.pid), '--nofile=8192:8192']);
    if (stored_batches(daemon.db, client.stream) !== 50) violation(`round ${round}: acknowledged batches are missing`);
    if ((await status_of(daemon.port, '/readyz')) !== 200) violation(`round ${round}: not ready afterwards`);
  }
  await stop(daemon);
  return rounds;
}

// Every look at the wall clock is days or years away from the one before; virtual time and acks do not care.
async function clock_jumps(folder) {
  const hashes = new Set();
  for (let round = 1; round <= rounds; ++round) {
    const at = join(folder, String(round));
    mkdirSync(at);
    const steady = round === 1; // the reference
    const daemon = await start_daemon(programs, at,
      steady ? 'exec' : `exec env LD_PRELOAD=${programs}/libtrust_clock.so`);
    const client = new Client(daemon.port, 'jumps', 50);
    if (!(await client.feed())) violation(`round ${round}: not everything was acknowledged`);
    const end = new Socket(daemon.port, '/ingest/v1', 'replayd.v1', () => {}, () => {});
    end.send(JSON.stringify({ hello: { stream: 'jumps' } }));
    await fetch(`http://127.0.0.1:${daemon.port}/api/v1/streams/jumps/end`,
      { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
    const stream = async () => (await fetch(`http://127.0.0.1:${daemon.port}/api/v1/streams/jumps`)).json();
    await until('the run has finished', async () => (await stream()).state === 'finished');
    hashes.add((await stream()).runs[0].hash);
    end.close();
    await stop(daemon);
  }
  if (hashes.size !== 1) violation(`${hashes.size} different hashes`);
  return rounds;
}

await part('disk-full', 'fillings of a tmpfs under load: refused, told, healed without a restart', disk_full);
await part('no-descriptors', 'times without file descriptors: connections wait, nothing acknowledged is lost',
  no_descriptors);
await part('clock-jumps', 'runs; the wall clock jumps by years at every look, hashes are as without', clock_jumps);
process.exit(violations.length > 0 ? 1 : 0);
