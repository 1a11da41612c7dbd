import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Notifications } from '../notification.js';
import { FakeTimers, settled } from './harness.js';

const example = JSON.parse(readFileSync(new URL('../../docs/protocol/notification.json', import.meta.url), 'utf8'));
const told = (id, readAt = null) => ({ ...example, id: String(id), read_at: readAt });

class FakeEventSource extends EventTarget {
  static all = [];
  readyState = 0;

  constructor(url) {
    super();
    this.url = url;
    FakeEventSource.all.push(this);
  }

  accept() {
    this.readyState = 1;
    this.dispatchEvent(new Event('open'));
  }

  say(kind, data) {
    this.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify(data) }));
  }

  refuse() {
    this.readyState = 2;
    this.dispatchEvent(new Event('error'));
  }

  close() {
    this.readyState = 2;
  }
}

function setUp(stored = []) {
  FakeEventSource.all = [];
  const asked = [];
  const server = { stored, me: { username: 'ann' }, isDown: false };
  const ask = (name) => async (argument) => {
    asked.push(argument === undefined || argument === null ? name : `${name} ${argument}`);
    if (server.isDown) throw new Error('down');
    if (name === 'me') return server.me;
    return { notifications: server.stored, next_cursor: null };
  };
  const api = Object.fromEntries(['me', 'notifications', 'readNotification', 'readNotifications'].map((name) => [name, ask(name)]));
  const timers = new FakeTimers();
  let changes = 0;
  const notifications = new Notifications({
    api, timers, EventSource: FakeEventSource, random: () => 1, onChange: () => (changes += 1),
  });
  notifications.open();
  return { notifications, server, asked, timers, source: () => FakeEventSource.all.at(-1), changes: () => changes };
}

const ids = ({ list }) => list.map(({ id }) => id);

test('the list is read when the stream is open, and filled live without doubles', async () => {
  const { notifications, source, asked } = setUp([told(2), told(1)]);
  assert.deepEqual(asked, [], 'not before: what comes in between would be missed');
  source().accept();
  await settled();
  source().say('notification', told(3));
  source().say('notification', told(3));
  source().say('unread-count', { count: 3 });
  assert.deepEqual([ids(notifications), notifications.unread], [['3', '2', '1'], 3]);
});

test('a stream that comes back by itself adds what it missed', async () => {
  const { notifications, source, asked } = setUp([told(1)]);
  source().accept();
  await settled();
  source().dispatchEvent(new Event('error'));
  source().accept();
  source().say('notification', told(2));
  await settled();
  assert.deepEqual([ids(notifications), asked.length], [['2', '1'], 1]);
});

test('a refused stream is made anew after a growing pause, and the list is read again', async () => {
  const { notifications, source, server, timers } = setUp([told(1)]);
  source().accept();
  await settled();
  server.isDown = true;
  source().refuse();
  await timers.pass(499);
  assert.equal(FakeEventSource.all.length, 1);
  await timers.pass(1);
  source().refuse();
  await timers.pass(999);
  assert.equal(FakeEventSource.all.length, 2);
  Object.assign(server, { isDown: false, stored: [told(2), told(1)] });
  notifications.hurry();
  source().accept();
  await settled();
  assert.deepEqual(ids(notifications), ['2', '1']);
});

test('who was logged out is not listened to any more', async () => {
  const { notifications, source, server, timers } = setUp([told(1)]);
  source().accept();
  await settled();
  server.me = null;
  source().refuse();
  await timers.pass(60_000);
  assert.deepEqual([FakeEventSource.all.length, ids(notifications), notifications.unread], [1, [], 0]);
});

test('reading is shown at once and told to the server', async () => {
  const { notifications, source, asked } = setUp([told(3), told(2), told(1, 'before')]);
  source().accept();
  await settled();
  await notifications.read('2');
  await notifications.read('1');
  assert.deepEqual(notifications.list.map(({ read_at: at }) => at === null), [true, false, false]);
  await notifications.readAll();
  assert.deepEqual(asked.slice(1), ['readNotification 2', 'readNotifications 3']);
  assert.ok(notifications.list.every(({ read_at: at }) => at !== null));
});

test('what cannot be told to the server shows again as it is there', async () => {
  const { notifications, source, server } = setUp([told(1)]);
  source().accept();
  await settled();
  server.isDown = true;
  await notifications.read('1');
  assert.equal(notifications.loading, 'failed');
  server.isDown = false;
  await notifications.reload();
  assert.equal(notifications.list[0].read_at, null);
});

test('what another page read or the server withdrew is read again', async () => {
  const { notifications, source, server } = setUp([told(2), told(1)]);
  source().accept();
  await settled();
  server.stored = [told(2)];
  source().say('unread-count', { count: 1 });
  await settled();
  assert.deepEqual(ids(notifications), ['2']);
});

test('what was asked for somebody else is not shown', async () => {
  const { notifications, source } = setUp([told(1)]);
  source().accept();
  notifications.close();
  await settled();
  assert.deepEqual(ids(notifications), []);
});
