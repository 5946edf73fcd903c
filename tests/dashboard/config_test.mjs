// Addresses: of the daemon, of the live websocket.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonBase, liveUrl, otherBases, withOthers } from '../../dashboard/js/config.js';

test('without a parameter the daemon is the host of the page', () => {
  assert.equal(daemonBase('http://10.0.0.1:8480/index.html#/history'), 'http://10.0.0.1:8480');
});

test('?daemon= names another host, with or without a path and slash', () => {
  assert.equal(daemonBase('https://pages.example/?daemon=http://h:1/'), 'http://h:1');
  assert.equal(daemonBase('https://pages.example/?daemon=https://h/proxy/replayd/'), 'https://h/proxy/replayd');
});

for (const bad of ['h:1', 'nonsense', 'ftp://h/']) {
  test(`?daemon=${bad} is refused with an example`, () => {
    assert.throws(() => daemonBase(`http://p/?daemon=${bad}`),
      { message: `?daemon=${bad} is no address; expected something like ?daemon=http://127.0.0.1:8480` });
  });
}

test('?also= names further daemons, each once and not the own', () => {
  assert.deepEqual(otherBases(
    'http://p:1/?also=http://a:1/&also=https://b/x&also=http://a:1&also=http://p:1#/overview'), ['http://a:1',
    'https://b/x']);
  assert.deepEqual(otherBases('http://p:1/'), []);
  assert.throws(() => otherBases('http://p/?also=a'),
    { message: '?also=a is no address; expected something like ?also=http://127.0.0.1:8480' });
});

test('an address with other daemons keeps what else it says', () => {
  const address = withOthers('http://p:1/?daemon=http://d&also=http://old#/overview', ['http://a:1', 'http://b']);
  assert.deepEqual(otherBases(address), ['http://a:1', 'http://b']);
  assert.equal(daemonBase(address), 'http://d');
  assert.equal(new URL(address).hash, '#/overview');
});

test('the live address follows the scheme and quotes the stream', () => {
  assert.equal(liveUrl('https://h', 'a b'), 'wss://h/live/v1?stream=a%20b');
  assert.equal(liveUrl('http://h:1', null), 'ws://h:1/live/v1');
});
