// The HTTP client: paths of daemon/api.md, and messages that a person can act on.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Api } from '../../dashboard/js/api.js';

function recorded(answer) {
  const calls = [];
  const api = new Api('http://h:1', async (url, options) => {
    calls.push([options.method ?? 'GET', url, options.body ?? null]);
    if (answer instanceof Error) throw answer;
    return answer.clone();
  });
  return { api, calls };
}

test('each call asks for the path of the contract', async () => {
  const { api, calls } = recorded(Response.json({ items: [] }));
  await api.runs(200);
  await api.windows('7', 5);
  await api.requests('7', { order: 'slowest_ttft', outcome: 'finished', limit: 12 });
  await api.control('a b', 'pause');
  await api.setSpeed('s', 60);
  assert.deepEqual(calls, [
    ['GET', 'http://h:1/api/v1/runs?limit=200', null],
    ['GET', 'http://h:1/api/v1/runs/7/windows?from_ns=5&limit=1000', null],
    ['GET', 'http://h:1/api/v1/runs/7/requests?limit=12&order=slowest_ttft&outcome=finished', null],
    ['POST', 'http://h:1/api/v1/streams/a%20b/pause', null],
    ['POST', 'http://h:1/api/v1/streams/s/speed', '{"speed":60}'],
  ]);
});

test('a problem document becomes its detail', async () => {
  const { api } = recorded(new Response('{"detail":"no run 7"}', { status: 404 }));
  await assert.rejects(api.run('7'), { name: 'ApiError', message: 'no run 7', status: 404 });
});

test('a failure of something in between is named by its status', async () => {
  const { api } = recorded(new Response('<html>', { status: 502, statusText: 'Bad Gateway' }));
  await assert.rejects(api.run('7'), { message: /answered 502 Bad Gateway$/, status: 502 });
});

test('no answer at all names the daemon', async () => {
  const { api } = recorded(new TypeError('Failed to fetch'));
  await assert.rejects(api.streams(), { message: 'http://h:1 cannot be reached', status: 0 });
});

test('what only reads is asked again when its connection breaks, also amid the answer; what changes something is not',
  async () => {
  const broken = () => { throw new TypeError('Failed to fetch'); };
  const cut = { ok: true, json: async () => broken() };
  const answers = [broken, () => cut, () => Response.json({ items: [7] })];
  let asked = 0;
  const api = new Api('http://h:1', async () => answers[asked++]());
  assert.deepEqual(await api.streams(), [7]);
  asked = 0;
  await assert.rejects(api.control('s', 'pause'), { message: 'http://h:1 cannot be reached' });
  assert.equal(asked, 1);
});

test('a late answer is told apart from none', async () => {
  const { api } = recorded(Object.assign(new Error('late'), { name: 'TimeoutError' }));
  await assert.rejects(api.streams(), { message: 'http://h:1 gave no answer within 10 s' });
});
