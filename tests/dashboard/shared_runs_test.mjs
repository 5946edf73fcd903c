// Which daemon computes which scenario of a shared stream.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedSentence } from '../../dashboard/js/shared_runs.js';

test('a shared stream says which daemon computes which scenario', () => {
  const run = (scenario, state, node, here = false) => ({ scenario, state, node, here, hash: null });
  assert.equal(sharedSentence([run('a', 'running', 'node1', true), run('b', 'running', 'node2'),
    run('c', 'waiting', null),
    run('d', 'finished', 'node2')]),
      'Shared with other daemons: a at node1 (this daemon), b at node2, c waits for a daemon, ' +
    'd finished at node2.');
  assert.equal(sharedSentence(null), '');
  assert.equal(sharedSentence(undefined), '');
});
