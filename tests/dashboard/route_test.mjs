// Addresses of views: what was sent to somebody opens as it was.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRoute, routeTo, VIEWS } from '../../dashboard/js/route.js';

const parsed = (hash) => {
  const route = parseRoute(hash);
  return { ...route, params: Object.fromEntries(route.params) };
};

for (const { key } of VIEWS) {
  test(`the address of ${key} survives a round trip with runs, a stream and settings`, () => {
    assert.deepEqual(parsed(routeTo(key)), { view: key, stream: null, runs: null, params: {} });
    assert.deepEqual(parsed(routeTo(key, { stream: 'a b&c' }, [['scale', 'log']])),
      { view: key, stream: 'a b&c', runs: null, params: { scale: 'log' } });
    assert.deepEqual(parsed(routeTo(key, { runs: ['4', '7'] })), { view: key, stream: null, runs: ['4', '7'],
      params: {} });
  });
}

test('SQL in an address is what was asked, with its quotes, plus signs and line breaks', () => {
  const sql = 'SELECT "a" + 1\nFROM run WHERE name = \'x&y%\'';
  assert.equal(parseRoute(routeTo('query', {}, [['sql', sql]])).params.get('sql'), sql);
});

test('addresses of earlier versions still open', () => {
  assert.deepEqual(parsed('#/runs/4,7'), { view: 'live', stream: null, runs: ['4', '7'], params: {} });
  assert.deepEqual(parsed('#/replay?stream=a'), { view: 'live', stream: 'a', runs: null, params: {} });
});

for (const hash of ['', '#', '#/', '#/nowhere', '#/runs/']) {
  test(`'${hash}' opens the live view of the newest stream`, () => {
    assert.deepEqual(parsed(hash), { view: 'live', stream: null, runs: null, params: {} });
  });
}
