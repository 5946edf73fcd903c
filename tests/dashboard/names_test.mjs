// Names that begin alike are shortened so that what tells them apart stays.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elided, splitName } from '../../dashboard/js/names.js';

const LONG = 'acme-production-europe-west-llama-3.1-8b-h100';
const NAMES = [`${LONG}-prefill-1-decode-3`, `${LONG}-prefill-3-decode-1`, 'other'];

test('a name is taken apart where its own words begin, and both parts together are the name', () => {
  assert.deepEqual(splitName(NAMES[0], NAMES), [`${LONG}-prefill-`, '1-decode-3']);
  assert.deepEqual(splitName(NAMES[1], NAMES), [`${LONG}-prefill-`, '3-decode-1']);
  assert.deepEqual(splitName('other', NAMES), ['', 'other']);
  assert.deepEqual(splitName('mixed #12', ['mixed #12', 'mixed #13']), ['mixed ', '#12']);
});

test('what a name keeps is the end of no other one, also where several differ in one word', () => {
  const names = ['8b-h100-mixed', '8b-h100-pd', '8b-a100-mixed', '8b-a100-pd'];
  assert.deepEqual(names.map((name) => splitName(name, names)[1]), ['h100-mixed', 'h100-pd', 'a100-mixed', 'a100-pd']);
});

test('one name alone, or beside an equal one, is its own', () => {
  assert.deepEqual(splitName('a-b', ['a-b']), ['', 'a-b']);
  assert.deepEqual(splitName('a-b', ['a-b', 'a-b']), ['', 'a-b']);
});

test('in a list a name that fits is whole, and of one that does not fit the shared words go', () => {
  assert.equal(elided('short', NAMES, 29), 'short');
  assert.equal(elided(NAMES[0], NAMES, 29), 'acme-production-eu…1-decode-3');
  for (const most of [5, 12, 29]) {
    const texts = NAMES.map((name) => elided(name, NAMES, most));
    assert.ok(texts.every((text) => text.length <= most), texts.join());
  }
});

test('where even the rest is too long, both of its ends stay', () => {
  assert.equal(elided('abcdefghij', [], 7), 'abc…hij');
  assert.equal(elided('x-abcdefghij', ['x-abcdefghij', 'x-b'], 8), '…abc…hij');
});
