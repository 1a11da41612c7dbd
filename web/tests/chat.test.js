import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chat } from '../chat.js';
import { FakeTimers, fakeWebSocket, settled } from './harness.js';

const ME = { id: 'u-me', username: 'me' };

function setUp({ me = ME, history = [], stored = new Map() } = {}) {
  const timers = new FakeTimers();
  const WebSocket = fakeWebSocket();
  let ids = 0;
  const chat = new Chat({
    room: 'KRW-BTC', me, origin: 'http://a.test/', timers, now: () => timers.now, connect: { WebSocket, random: () => 0.5 },
    loadHistory: async () => ({ messages: history, hasOlder: false }),
    renew: async () => 'renewed',
    whyRefused: async () => null,
    storage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => stored.set(key, value),
      removeItem: (key) => stored.delete(key),
    },
    onChange: () => {},
    makeId: () => `id-${++ids}`,
  });
  chat.open();
  return { chat, timers, WebSocket, stored };
}

const line = (offset, content = `line ${offset}`, sender = 'u-other') => ({
  type: 'MESSAGE', roomName: 'KRW-BTC', sender: { id: sender, name: sender, profileUrl: null }, content,
  timestamp: offset, offset, id: `m-${offset}`,
});
const joined = (offset, recovered, epoch = 'e1') => ({ type: 'JOINED', roomName: 'KRW-BTC', epoch, offset, recovered });
const ack = (id, offset) => ({ type: 'ACK', id, messageId: `m-${offset}`, offset });
const lines = (chat) => chat.list.window().map(({ content }) => content);
const ids = (socket) => socket.sent.map((text) => JSON.parse(text).id);

test('it resumes from the last line it got, and nothing is lost or doubled', async () => {
  const { chat, timers, WebSocket } = setUp();
  WebSocket.last.accept();
  WebSocket.last.say(joined(2));
  [line(1), line(2), line(3)].forEach((frame) => WebSocket.last.say(frame));
  WebSocket.last.drop();
  await timers.pass(1_000);
  assert.match(WebSocket.last.url, /epoch=e1&offset=3$/);
  WebSocket.last.accept();
  WebSocket.last.say(joined(5, true));
  [line(4), line(5), line(6)].forEach((frame) => WebSocket.last.say(frame));
  assert.deepEqual(lines(chat), [1, 2, 3, 4, 5, 6].map((offset) => `line ${offset}`));
});

test('a gap that is not recovered is filled from the history', async () => {
  const history = [line(98), line(99), line(100)];
  const { chat, timers, WebSocket } = setUp({ history });
  WebSocket.last.accept();
  WebSocket.last.say(joined(1));
  WebSocket.last.say(line(1));
  await settled();
  WebSocket.last.drop();
  await timers.pass(1_000);
  WebSocket.last.accept();
  WebSocket.last.say(joined(100, false, 'e2'));
  await settled();
  WebSocket.last.say(line(101));
  assert.deepEqual(lines(chat), ['line 98', 'line 99', 'line 100', 'line 101']);
});

test('lines of another life of the room are not mixed with those of this one', async () => {
  const { chat, WebSocket } = setUp();
  WebSocket.last.accept();
  WebSocket.last.say(joined(2));
  [line(1), line(2)].forEach((frame) => WebSocket.last.say(frame));
  WebSocket.last.say(joined(2, false, 'e2'));
  WebSocket.last.say(line(3));
  assert.deepEqual(lines(chat), ['line 3'], 'nothing tells that line 3 followed line 2');
});

test('a join that broke off before any line is not resumed from nowhere', async () => {
  const { timers, WebSocket } = setUp();
  WebSocket.last.accept();
  WebSocket.last.say(joined(50));
  WebSocket.last.drop();
  await timers.pass(1_000);
  assert.match(WebSocket.last.url, /room=KRW-BTC$/);
});

test('what is said before the room lets one in is sent when it does', () => {
  const { chat, WebSocket } = setUp();
  WebSocket.last.accept();
  chat.say('early');
  assert.deepEqual(WebSocket.last.sent, []);
  WebSocket.last.say(joined(0));
  assert.deepEqual(WebSocket.last.sent, ['{"type":"MESSAGE","content":"early","id":"id-1"}']);
});

test('an unacknowledged message is sent again under the same id, and shown once', async () => {
  const { chat, timers, WebSocket } = setUp();
  WebSocket.last.accept();
  WebSocket.last.say(joined(0));
  chat.say('hello');
  WebSocket.last.say(line(1, 'hello', ME.id));
  WebSocket.last.drop();
  await timers.pass(1_000);
  WebSocket.last.accept();
  WebSocket.last.say(joined(1, true));
  assert.deepEqual(ids(WebSocket.last), ['id-1']);
  assert.equal(chat.isUnstored(1), true);
  WebSocket.last.say({ ...ack('id-1', 1), duplicate: true });
  assert.deepEqual([lines(chat), chat.pending.length, chat.isUnstored(1)], [['hello'], 0, false]);
});

test('one\'s own line is not shown twice while its ack is under way', () => {
  const { chat, WebSocket } = setUp();
  WebSocket.last.accept();
  WebSocket.last.say(joined(0));
  chat.say('hello');
  assert.equal(chat.pending.length, 1);
  WebSocket.last.say(line(1, 'hello', ME.id));
  assert.deepEqual([chat.pending.length, lines(chat)], [0, ['hello']]);
  WebSocket.last.say(ack('id-1', 1));
  assert.equal(chat.isUnstored(1), false);
});

test('above the rate limit it waits as long as it was told, whatever is typed meanwhile', async () => {
  const { chat, timers, WebSocket } = setUp();
  WebSocket.last.accept();
  WebSocket.last.say(joined(0));
  chat.say('one');
  WebSocket.last.say({ type: 'ERROR', code: 'rate_limited', message: 'too many', retryAfterMs: 850 });
  chat.say('two');
  await timers.pass(849);
  assert.deepEqual(ids(WebSocket.last), ['id-1']);
  await timers.pass(1);
  assert.deepEqual(ids(WebSocket.last), ['id-1', 'id-1']);
  WebSocket.last.say(ack('id-1', 1));
  assert.deepEqual(ids(WebSocket.last), ['id-1', 'id-1', 'id-2']);
});

test('a server that says nothing about a message for long is called anew', async () => {
  const { chat, timers, WebSocket } = setUp();
  WebSocket.last.accept();
  WebSocket.last.say(joined(0));
  chat.say('hello');
  await timers.pass(44_999);
  assert.equal(WebSocket.all.length, 1);
  await timers.pass(1);
  assert.equal(WebSocket.all.length, 2);
});

test('what is not stored outlives a reload, for its author alone', async () => {
  const { chat, stored } = setUp();
  chat.say('hello');
  chat.close();

  const other = setUp({ stored, me: { id: 'u-x', username: 'x' } });
  assert.equal(other.chat.pending.length, 0);

  const again = setUp({ stored });
  again.WebSocket.last.accept();
  again.WebSocket.last.say(joined(0));
  assert.deepEqual(ids(again.WebSocket.last), ['id-1']);
  again.WebSocket.last.say(ack('id-1', 1));
  assert.equal(stored.size, 0);
});

test('a reader without a login reads, again and again, and opens no socket', async () => {
  const history = [line(1)];
  const { chat, timers, WebSocket } = setUp({ me: null, history });
  await settled();
  assert.deepEqual(lines(chat), ['line 1']);
  history.push(line(2));
  await timers.pass(10_000);
  assert.deepEqual([lines(chat), WebSocket.all.length], [['line 1', 'line 2'], 0]);
});
