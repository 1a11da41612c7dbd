import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Room } from '../room.js';
import { FakeLive, FakeTimers, settled } from './harness.js';

const ME = { id: 'me', username: 'me' };
const CHANNEL = 'chat:KRW-BTC';
const line = (offset, content, sender = 'ann') =>
  ({ type: 'MESSAGE', offset, id: `m-${offset}`, sender: { id: sender, name: sender }, content, timestamp: offset * 1_000 });

function setUp({ me = ME, history = [], saved = new Map() } = {}) {
  const live = new FakeLive();
  const timers = new FakeTimers();
  const storage = { getItem: (key) => saved.get(key) ?? null, setItem: (key, value) => saved.set(key, value), removeItem: (key) => saved.delete(key) };
  let made = 0;
  const asked = [];
  const room = new Room({
    name: 'KRW-BTC', me, live, storage, timers, now: () => timers.now, makeId: () => `id-${++made}`, onChange: () => {},
    loadHistory: async (name, before) => {
      asked.push(before);
      return { rows: history, hasOlder: false };
    },
  });
  room.open();
  const join = (how = { wasRecovering: false, isRecovered: false }) => live.channels.get(CHANNEL).subscribed(how);
  const lose = () => live.channels.get(CHANNEL).subscribing();
  return { room, live, timers, saved, asked, join, lose };
}

const shown = (room) => room.list.window().map(({ content }) => content);
const pending = (room) => room.pending.map(({ content, state }) => `${content} ${state}`);

test('what one says shows at once, and is one line when the room has it', async () => {
  const { room, live, join } = setUp();
  join();
  await settled();
  room.say('hello');
  assert.deepEqual(pending(room), ['hello sending']);
  live.say(CHANNEL, line(1, 'hello', 'me'));
  assert.deepEqual([shown(room), pending(room), room.isUnstored(1)], [['hello'], [], true]);
  live.published[0].resolve();
  await settled();
  assert.deepEqual([shown(room), pending(room), room.isUnstored(1)], [['hello'], [], false]);
});

test('an ack that overtakes the line keeps the message on the screen until the line is there', async () => {
  const { room, live, join } = setUp();
  join();
  room.say('hello');
  live.published[0].resolve();
  await settled();
  assert.deepEqual(pending(room), ['hello stored']);
  live.say(CHANNEL, line(1, 'hello', 'me'));
  assert.deepEqual([shown(room), pending(room)], [['hello'], []]);
});

test('what was on the wire when the connection broke is sent again under the same id, and shows once', async () => {
  const { room, live, join, lose } = setUp();
  join();
  room.say('hello');
  lose();
  live.published[0].reject({ code: 2, message: 'transport closed' });
  await settled();
  join({ wasRecovering: true, isRecovered: true });
  // It had been stored: the line is recovered, and the server recognises the repeat.
  live.say(CHANNEL, line(1, 'hello', 'me'));
  assert.deepEqual(live.published.map(({ id }) => id), ['id-1', 'id-1']);
  live.published[1].resolve();
  await settled();
  assert.deepEqual([shown(room), pending(room)], [['hello'], []]);
});

test('a refusal for good is given back to its author, one that passes is tried again', async () => {
  const { room, live, timers, join } = setUp();
  join();
  room.say('fast');
  live.published[0].reject({ code: 111, message: 'too many' });
  await settled();
  assert.deepEqual(pending(room), ['fast waiting']);
  await timers.pass(2_000);
  live.published[1].reject({ code: 107, message: 'it is muted' });
  await settled();
  assert.deepEqual([pending(room), room.pending[0].refusal.detail], [['fast failed'], 'it is muted']);
});

test('a message outlives a reload of the page', async () => {
  const { room, saved } = setUp();
  room.say('hello');
  const { room: next, live, join } = setUp({ saved });
  assert.deepEqual(pending(next), ['hello waiting']);
  join();
  assert.deepEqual(live.published.map(({ id, content }) => [id, content]), [['id-1', 'hello']]);
});

test('a position that is not recovered reads the history again, a recovered one does not', async () => {
  const { asked, join } = setUp();
  join();
  await settled();
  join({ wasRecovering: true, isRecovered: true });
  await settled();
  assert.equal(asked.length, 1);
  join({ wasRecovering: true, isRecovered: false });
  await settled();
  assert.equal(asked.length, 2);
});

test('who is not logged in reads the history and watches nothing', async () => {
  const { room, live, timers, asked } = setUp({ me: null, history: [{ offset: 1, id: 'm-1', content: 'hi', sender: { id: 'a', name: 'a' }, created_at: '2026-01-01T00:00:00Z' }] });
  await settled();
  assert.deepEqual([shown(room), live.channels.size], [['hi'], 0]);
  await timers.pass(10_000);
  assert.equal(asked.length, 2);
});
