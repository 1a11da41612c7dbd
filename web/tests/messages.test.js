import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEPT_MAX, MessageList, SHOWN_MAX } from '../messages.js';

const message = (offset, id = `id-${offset}`) => ({ offset, id, sender: { id: 'u' }, content: '', at: 0 });
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => message(from + n));
const offsets = (list, end) => list.window(end).map(({ offset }) => offset);
const listOf = (...messages) => {
  const list = new MessageList();
  messages.forEach((one) => list.addLive(one));
  return list;
};

test('each line once, in the order of the room, whichever way it came', () => {
  const list = listOf(...range(5, 7));
  assert.equal(list.addLive(message(6)), false);
  list.addLatest(range(3, 8), true);
  list.addOlder(range(1, 2), false);
  assert.deepEqual(offsets(list), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('after a gap that was not recovered, known lines stay if the room is the same', () => {
  const list = listOf(...range(1, 5));
  list.doubt();
  range(4, 7).forEach((one) => list.addLive(one));
  assert.deepEqual(offsets(list), [1, 2, 3, 4, 5, 6, 7]);
});

test('after a gap that was not recovered, lines that cannot be placed are dropped', () => {
  const withHole = listOf(...range(1, 5));
  withHole.doubt();
  range(9, 11).forEach((one) => withHole.addLive(one));
  assert.deepEqual(offsets(withHole), [9, 10, 11]);

  const otherLife = listOf(...range(1, 5));
  otherLife.doubt();
  otherLife.addLive(message(5, 'somebody else'));
  assert.deepEqual(offsets(otherLife), [5]);
});

test('doubt ends with the first line', () => {
  const list = listOf(message(1));
  list.doubt();
  list.addLive(message(1));
  list.addLive(message(2));
  assert.deepEqual(offsets(list), [1, 2]);
});

test('a page of the history never leaves a hole', () => {
  const behind = listOf(...range(1, 3));
  behind.addLatest(range(10, 12), true);
  assert.deepEqual(offsets(behind), [10, 11, 12], 'the newer page takes the place');

  const ahead = listOf(...range(10, 12));
  ahead.addLatest(range(1, 3), false);
  assert.deepEqual(offsets(ahead), [10, 11, 12], 'a history that lags behind does not');

  const adjacent = listOf(...range(4, 5));
  adjacent.addLatest(range(1, 3), false);
  assert.deepEqual(offsets(adjacent), [1, 2, 3, 4, 5]);
});

test('older lines are offered while there may be some', () => {
  const list = listOf(...range(101, 150));
  assert.equal(list.hasOlder, true);
  list.addLatest(range(101, 150), true);
  assert.equal(list.hasOlder, true);
  list.addOlder(range(60, 100), false);
  assert.equal(list.hasOlder, false);
  assert.equal(listOf(message(1)).hasOlder, false, 'nothing is before the first');
});

test('at most so many lines are shown, and any of them can be', () => {
  const list = listOf(...range(1, 1200));
  assert.deepEqual([offsets(list).length, offsets(list)[0], offsets(list).at(-1)], [SHOWN_MAX, 1201 - SHOWN_MAX, 1200]);
  assert.deepEqual([offsets(list, 900)[0], offsets(list, 900).at(-1)], [901 - SHOWN_MAX, 900]);
  assert.deepEqual([offsets(list, 10)[0], offsets(list, 10).at(-1)], [1, SHOWN_MAX], 'a full window even at the beginning');
  assert.deepEqual([list.step(900, -60), list.step(1190, 60), list.step(5, -60), list.after(1150)], [840, 1200, 1, 50]);
});

test('memory has an end', () => {
  const list = listOf(...range(1, KEPT_MAX * 2));
  assert.ok(list.length < KEPT_MAX + SHOWN_MAX && list.isFull);
  assert.equal(list.newest, KEPT_MAX * 2);
  assert.equal(list.has(1), false);
  assert.equal(list.hasOlder, true);
});
