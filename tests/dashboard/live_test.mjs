// The live websocket client: it reconnects by itself, backs off, and forgets abandoned sockets.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveClient, retryDelay } from '../../dashboard/js/live.js';

function harness() {
  const sockets = [];
  const timers = [];
  const log = [];
  class Socket {
    constructor(url, protocol) {
      Object.assign(this, { url, protocol, closed: false });
      sockets.push(this);
    }
    close() { this.closed = true; }
  }
  const client = new LiveClient({ onState: (state) => log.push(state), onMessage: (message) => log.push(message) },
    { WebSocket: Socket, setTimeout: (callback, delay) => timers.push({ callback, delay }), clearTimeout: () => {} });
  return { client, sockets, timers, log };
}

test('it speaks replayd.live.v1 and hands messages on', () => {
  const { client, sockets, log } = harness();
  client.open('ws://h/live/v1');
  sockets[0].onopen();
  sockets[0].onmessage({ data: '{"type":"streams"}' });
  assert.deepEqual(sockets[0].protocol, ['replayd.live.v1']);
  assert.deepEqual(log, ['closed', 'connecting', 'open', { type: 'streams' }]);
});

test('a lost connection is tried again, later each time, until it opens', () => {
  const { client, sockets, timers, log } = harness();
  client.open('ws://h');
  for (let attempt = 0; attempt < 3; attempt += 1) {
    sockets.at(-1).onclose();
    timers.at(-1).callback();
  }
  assert.equal(sockets.length, 4);
  assert.ok(timers[2].delay > timers[0].delay);
  sockets.at(-1).onopen();
  assert.equal(log.at(-1), 'open');
});

test('messages and closings of an abandoned socket are ignored', () => {
  const { client, sockets, timers, log } = harness();
  client.open('ws://old');
  client.open('ws://new');
  const before = log.length;
  sockets[0].onmessage({ data: '{}' });
  sockets[0].onclose();
  assert.deepEqual([sockets[0].closed, log.length, timers.length], [true, before, 0]);
});

test('opening the same address twice keeps the connection', () => {
  const { client, sockets } = harness();
  client.open('ws://h');
  client.open('ws://h');
  assert.equal(sockets.length, 1);
});

test('the delay doubles from half a second to eight, give or take a fifth', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 20].map((attempt) => retryDelay(attempt, () => 0.5)),
    [500, 1000, 2000, 4000, 8000, 8000, 8000]);
  assert.deepEqual([retryDelay(1, () => 0), retryDelay(1, () => 1)], [400, 600]);
});
