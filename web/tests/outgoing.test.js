import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outgoing } from '../outgoing.js';

const states = (outgoing) => outgoing.entries.map(({ id, state }) => `${id} ${state}`);
const outgoingWith = (...ids) => {
  const outgoing = new Outgoing();
  ids.forEach((id) => outgoing.add(id, `content of ${id}`, 0));
  return outgoing;
};

test('one is on the wire at a time', () => {
  const outgoing = outgoingWith('a', 'b');
  assert.equal(outgoing.next().id, 'a');
  outgoing.sent('a');
  assert.equal(outgoing.next(), null);
  outgoing.acked('a', 7);
  assert.equal(outgoing.next().id, 'b');
});

test('what was on the wire when it broke is sent again, first, under the same id', () => {
  const outgoing = outgoingWith('a', 'b');
  outgoing.sent('a');
  outgoing.disconnected();
  assert.deepEqual(outgoing.next().id, 'a');
});

test('a stored message is forgotten once the room shows it', () => {
  const outgoing = outgoingWith('a');
  outgoing.sent('a');
  outgoing.acked('a', 7);
  outgoing.settle(6);
  assert.deepEqual(states(outgoing), ['a stored']);
  outgoing.settle(7);
  assert.deepEqual(states(outgoing), []);
});

test('being shown is not being stored', () => {
  const outgoing = outgoingWith('a');
  outgoing.sent('a');
  outgoing.seen({ content: 'content of a', offset: 7 });
  outgoing.settle(7);
  assert.deepEqual(states(outgoing), ['a sending']);
  assert.equal(outgoing.entries[0].place, 7);
});

test('an ack knows the place better than a guess by content', () => {
  const outgoing = outgoingWith('a');
  outgoing.sent('a');
  outgoing.seen({ content: 'content of a', offset: 3 });
  outgoing.acked('a', 9);
  assert.equal(outgoing.entries[0].place, 9);
});

test('a refusal that passes is tried again when the server says so', () => {
  const outgoing = outgoingWith('a');
  outgoing.sent('a');
  assert.equal(outgoing.refused({ code: 'rate_limited', retryAfterMs: 850 }), 850, 'it names no message: the one on the wire');
  assert.equal(outgoing.next().id, 'a');
});

test('a refusal without a time is tried again after a second or more', () => {
  const outgoing = outgoingWith('a');
  outgoing.sent('a');
  assert.equal(outgoing.refused({ id: 'a', code: 'storage_unavailable' }, () => 0), 1_000);
});

test('a refusal for good is the author\'s to deal with, and holds up nobody', () => {
  const outgoing = outgoingWith('a', 'b');
  outgoing.sent('a');
  assert.equal(outgoing.refused({ id: 'a', code: 'content_too_long' }), null);
  assert.deepEqual(states(outgoing), ['a failed', 'b waiting']);
  assert.equal(outgoing.next().id, 'b');
  outgoing.retry('a');
  assert.equal(outgoing.next().id, 'a');
});

test('patience has an end', () => {
  const outgoing = outgoingWith('a');
  for (let tries = 1; tries <= 7; tries += 1) {
    outgoing.sent('a');
    assert.notEqual(outgoing.refused({ id: 'a', code: 'overloaded' }), null, `try ${tries}`);
  }
  outgoing.sent('a');
  assert.equal(outgoing.refused({ id: 'a', code: 'overloaded' }), null);
  outgoing.discard('a');
  assert.deepEqual(states(outgoing), []);
});

test('only what has failed can be discarded', () => {
  const outgoing = outgoingWith('a');
  outgoing.discard('a');
  assert.deepEqual(states(outgoing), ['a waiting']);
});

test('a reload keeps what is not stored, under its id', () => {
  const outgoing = outgoingWith('a', 'b');
  outgoing.sent('a');
  outgoing.acked('a', 1);
  const saved = JSON.parse(JSON.stringify(outgoing.unsettled));
  assert.deepEqual(states(new Outgoing(saved)), ['b waiting']);
});
