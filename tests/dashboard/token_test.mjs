// The token of a tab: where it is kept, how requests and websockets show it, and who hears of a refusal.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../../dashboard/js/api.js';
import { LiveClient } from '../../dashboard/js/live.js';
import { base64url, TokenStore } from '../../dashboard/js/token_store.js';

function memory() {
  const items = new Map();
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, value) => { items.set(key, value); } };
}

test('without a token nothing is shown', () => {
  const store = new TokenStore('http://h:1', memory());
  assert.equal(store.get(), null);
  assert.deepEqual(store.headers(), {});
  assert.deepEqual(store.subprotocols(), []);
});

test('each daemon has a token of its own', () => {
  const storage = memory();
  new TokenStore('http://h:1', storage).set('one');
  assert.equal(new TokenStore('http://h:2', storage).get(), null);
  assert.deepEqual(new TokenStore('http://h:1', storage).headers(), { authorization: 'Bearer one' });
});

// Characters that a subprotocol must not have (RFC 7230 section 3.2.6) do not come up.
test('on websockets the token is base64url', () => {
  assert.equal(base64url('a>?~ü'), 'YT4_fsO8');
  assert.equal(base64url('a'), 'YQ');
  const store = new TokenStore('http://h:1', memory());
  store.set('/+=, "token"');
  assert.match(store.subprotocols()[0], /^replayd\.bearer\.[A-Za-z0-9_-]+$/);
});

test('requests show the token, and a 401 is told with its reason', async () => {
  const store = new TokenStore('http://h:1', memory());
  store.set('secret');
  const refused = [];
  const shown = [];
  let answer = Response.json({ items: [] });
  const api = new Api('http://h:1', async (url, options) => {
    shown.push([url.includes('secret'), options.headers]);
    return answer;
  }, { headers: () => store.headers(), subprotocols: () => store.subprotocols(), refused: (detail) =>
    refused.push(detail) });
  await api.streams();
  answer = Response.json({ columns: [] });
  await api.query('SELECT 1');
  answer = new Response('{"detail":"the token is unknown here"}', { status: 401 });
  await assert.rejects(api.run('7'), { message: 'the token is unknown here', status: 401 });
  answer = new Response('{"detail":"needs the role admin"}', { status: 403 });
  await assert.rejects(api.control('s', 'pause'), { status: 403 });
  assert.deepEqual(refused, ['the token is unknown here']);
  assert.deepEqual(shown[0], [false, { authorization: 'Bearer secret' }]);
  assert.deepEqual(shown[1], [false, { 'content-type': 'application/json', authorization: 'Bearer secret' }]);
});

test('every connection of the live websocket offers the token of that moment', () => {
  const offered = [];
  class Socket {
    constructor(url, protocols) { offered.push([url, protocols]); Socket.last = this; }
  }
  const further = [];
  const live = new LiveClient({ onState() {}, onMessage() {} }, { WebSocket: Socket, setTimeout: (retry) => retry() },
    () => further);
  live.open('ws://h:1/live/v1');
  further.push('replayd.bearer.YQ');
  Socket.last.onclose();
  assert.deepEqual(offered, [['ws://h:1/live/v1', ['replayd.live.v1']],
    ['ws://h:1/live/v1', ['replayd.live.v1', 'replayd.bearer.YQ']]]);
});
