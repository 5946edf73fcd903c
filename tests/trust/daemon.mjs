// What the parts of ./dev trust written for node share: a daemon on a free port, and a websocket client.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const scenario = `name = "load"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
window_s = 10
[cost]
source = "linear"
step_us = 5000
prefill_token_us = 50
decode_sequence_us = 100
[[pool]]
name = "all"
role = "mixed"
replicas = 1
kv = { num_blocks = 2000 }
`;

export const violations = [];
export function violation(what) {
  violations.push(what);
  if (violations.length <= 20) console.error(`violation: ${what}`);
}

export async function until(what, ready, seconds = 120) {
  const end = Date.now() + seconds * 1000;
  while (!(await ready())) {
    if (Date.now() > end) return violation(`gave up waiting until ${what}`);
    await sleep(20);
  }
}

// Starts the daemon on a history in `folder`, with the scenario "load"; `shell` goes before it on its command line.
export async function start_daemon(programs, folder, shell = 'exec') {
  const port_file = join(folder, 'port');
  rmSync(port_file, { force: true });
  mkdirSync(join(folder, 'scenarios'), { recursive: true });
  writeFileSync(join(folder, 'scenarios', 'load.toml'), scenario);
  const child = spawn('bash',
    ['-c', `${shell} "${programs}/replayd" --listen 127.0.0.1:0 --db "${folder}/history.db" ` +
    `--port-file "${port_file}" --scenario-dir "${folder}/scenarios" --log-level error`],
    { stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill('SIGKILL'));
  await until('the daemon listens', () => existsSync(port_file) || child.exitCode !== null);
  return { child, port: Number(readFileSync(port_file, 'utf8')), db: join(folder, 'history.db') };
}

// A websocket client as small as it can be: text frames below 64 KiB out, whole frames in.
export class Socket {
  constructor(port, path, protocol, onText, onEnd) {
    this.rest = Buffer.alloc(0);
    this.upgraded = false;
    this.waiting = [];
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('error', (error) => onEnd(error.message));
    this.socket.on('close', () => onEnd('closed'));
    this.socket.on('data', (data) => this.take(data, onText, onEnd));
    this.socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
        `Sec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    );
  }

  take(data, onText, onEnd) {
    this.rest = this.rest.length ? Buffer.concat([this.rest, data]) : data;
    if (!this.upgraded) {
      const end = this.rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.rest.subarray(0, 12).toString().endsWith('101')) return onEnd(this.rest.toString());
      this.rest = this.rest.subarray(end + 4);
      this.upgraded = true;
      for (const text of this.waiting.splice(0)) this.send(text);
    }
    for (;;) {
      if (this.rest.length < 2) return;
      let length = this.rest[1] & 127, head = 2;
      if (length === 126) { if (this.rest.length < 4) return; length = this.rest.readUInt16BE(2); head = 4; }
      else if (length === 127) { if (this.rest.length < 10) return; length = Number(this.rest.readBigUInt64BE(2));
        head = 10; }
      if (this.rest.length < head + length) return;
      const opcode = this.rest[0] & 15, payload = this.rest.subarray(head, head + length);
      this.rest = this.rest.subarray(head + length);
      if (opcode === 1) onText(payload);
      if (opcode === 8) onEnd(payload.subarray(2).toString());
      if (opcode === 9) this.frame(10, payload);
    }
  }

  send(text) { this.upgraded ? this.frame(1, Buffer.from(text)) : this.waiting.push(text); }

  frame(opcode, payload) {
    const long = payload.length > 125;
    const frame = Buffer.alloc((long ? 8 : 6) + payload.length); // a mask of zeros leaves the bytes as they are
    frame[0] = 128 | opcode;
    frame[1] = 128 | (long ? 126 : payload.length);
    if (long) frame.writeUInt16BE(payload.length, 2);
    payload.copy(frame, long ? 8 : 6);
    this.socket.write(frame);
  }

  close() { this.socket.destroy(); }
}
