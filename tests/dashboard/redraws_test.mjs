// Drawing in portions: what is seen first, within the budget of a frame, each thing once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redraws } from '../../dashboard/js/redraws.js';

/** Frames and a clock that stand still until told. */
function harness() {
  const state = { now: 1000, frames: [], observe: null };
  class Observer {
    constructor(callback) { state.observe = (target, isIntersecting) => callback([{ target, isIntersecting }]); }
    observe() {}
  }
  const redraws = new Redraws({ requestAnimationFrame: (callback) => state.frames.push(callback), now: () => state.now,
    Observer });
  const frame = () => { state.now += 16; state.frames.splice(0).forEach((callback) => callback()); };
  return { state, redraws, frame };
}

test('of several drawings of one element only the last is done, once', () => {
  const { state, redraws, frame } = harness();
  const [element, done] = [{}, []];
  redraws.schedule(element, () => done.push('first'));
  redraws.schedule(element, () => done.push('last'));
  state.observe(element, true);
  frame();
  frame();
  assert.deepEqual(done, ['last']);
});

test('a frame ends when its budget is spent, and the next goes on', () => {
  const { state, redraws, frame } = harness();
  const done = [];
  for (const name of ['a', 'b', 'c']) {
    const element = {};
    redraws.schedule(element, () => { done.push(name); state.now += 4; });
    state.observe(element, true);
  }
  frame();
  assert.deepEqual(done, ['a', 'b']);
  for (let count = 0; count < 6; count += 1) frame();
  assert.deepEqual(done, ['a', 'b', 'c']);
});

test('after a frame that came late nothing is drawn for eight times the delay, at most 300 ms', () => {
  const { state, redraws, frame } = harness();
  const element = {};
  let drawn = 0;
  const draw = () => { drawn += 1; };
  redraws.schedule(element, draw);
  state.observe(element, true);
  frame();
  redraws.schedule(element, draw);
  state.now += 21;  // painting took so long: the next frame comes 37 ms after the drawing, 20 late
  for (let count = 0; count < 10; count += 1) frame();
  assert.equal(drawn, 1);
  frame();
  assert.equal(drawn, 2);
  redraws.schedule(element, draw);
  state.now += 5000;
  for (let count = 0; count < 19; count += 1) frame();
  assert.equal(drawn, 2);
  frame();
  assert.equal(drawn, 3);
});

test('what cannot be seen is drawn too, one at a time and later', () => {
  const { redraws, frame } = harness();
  const done = [];
  for (const name of ['a', 'b']) redraws.schedule({}, () => done.push(name));
  frame();
  assert.deepEqual(done, ['a']);
  for (let count = 0; count < 7; count += 1) frame();
  assert.deepEqual(done, ['a']);
  frame();
  assert.deepEqual(done, ['a', 'b']);
});
