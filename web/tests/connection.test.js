import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../connection.js';
import { FakeTimers, fakeWebSocket, settled } from './harness.js';

function setUp({ renew = async () => 'renewed', whyRefused = async () => null } = {}) {
  const timers = new FakeTimers();
  const WebSocket = fakeWebSocket();
  const texts = [];
  const connection = new Connection({
    url: () => 'ws://a.test/', renew, whyRefused, onText: (text) => texts.push(text), onState: () => {}, WebSocket, timers,
    random: () => 0.5, now: () => timers.now,
  });
  connection.open();
  return { timers, WebSocket, connection, texts };
}

test('it comes back after a pause that grows with each failure', async () => {
  const { timers, WebSocket, connection } = setUp();
  for (const pause of [250, 500, 1_000]) {
    WebSocket.last.drop();
    await settled();
    assert.deepEqual(connection.state, { name: 'waiting', retryAt: timers.now + pause });
    const before = WebSocket.all.length;
    await timers.pass(pause - 1);
    assert.equal(WebSocket.all.length, before);
    await timers.pass(1);
    assert.equal(WebSocket.all.length, before + 1);
  }
});

test('only a connection that lasted resets the pause', async () => {
  const { timers, WebSocket, connection } = setUp();
  WebSocket.last.accept();
  WebSocket.last.drop(3004);
  await timers.pass(250);
  WebSocket.last.accept();
  WebSocket.last.drop(3004);
  assert.equal(connection.state.retryAt - timers.now, 500);
  await timers.pass(500);
  WebSocket.last.accept();
  await timers.pass(10_000);
  WebSocket.last.drop(3008);
  assert.equal(connection.state.retryAt - timers.now, 250);
});

test('it stays away when the server says so', async () => {
  for (const code of [1009, 3503, 3510, 3999]) {
    const { timers, WebSocket, connection } = setUp();
    WebSocket.last.accept();
    WebSocket.last.drop(code);
    await timers.pass(60_000);
    assert.equal(connection.state.name, 'stopped');
    assert.equal(WebSocket.all.length, 1, String(code));
  }
});

test('an expired connection is renewed before it comes back', async () => {
  const renewals = [];
  const outcomes = ['unreachable', 'renewed'];
  const { timers, WebSocket } = setUp({ renew: async () => renewals.push(1) && outcomes.shift() });
  WebSocket.last.accept();
  WebSocket.last.drop(3005);
  await timers.pass(250);
  assert.deepEqual([renewals.length, WebSocket.all.length], [1, 1]);
  await timers.pass(500);
  assert.deepEqual([renewals.length, WebSocket.all.length], [2, 2]);
});

test('a login that cannot be renewed is over', async () => {
  const { timers, WebSocket, connection } = setUp({ renew: async () => 'refused' });
  WebSocket.last.accept();
  WebSocket.last.drop(3005);
  await timers.pass(60_000);
  assert.deepEqual(connection.state, { name: 'stopped', reason: 'closed_logged_out' });
});

test('a refused handshake stops it only for a reason', async () => {
  const { timers, WebSocket, connection } = setUp({ whyRefused: async () => 'closed_logged_out' });
  WebSocket.last.drop();
  await timers.pass(60_000);
  assert.equal(connection.state.reason, 'closed_logged_out');
  assert.equal(WebSocket.all.length, 1);
});

test('it comes back when the server announced to', async () => {
  const { timers, WebSocket, connection } = setUp();
  WebSocket.last.accept();
  connection.comeBackIn(2_750);
  WebSocket.last.drop(3001);
  assert.equal(connection.state.retryAt - timers.now, 2_750);
});

test('it need not wait once there is a network', async () => {
  const { timers, WebSocket, connection } = setUp();
  WebSocket.last.drop();
  await settled();
  connection.hurry();
  assert.equal(WebSocket.all.length, 2);
  await timers.pass(60_000);
  assert.equal(WebSocket.all.length, 2, 'and the pause is over');
});

test('a dead socket is given up, a younger one is not', async () => {
  const { timers, WebSocket, connection, texts } = setUp();
  await timers.pass(1_000);
  const [dead] = WebSocket.all;
  dead.accept();
  connection.restart(1_000);
  assert.equal(WebSocket.all.length, 1);
  connection.restart(1_001);
  assert.ok(dead.isClosed);
  dead.say({});
  dead.drop();
  WebSocket.last.accept();
  WebSocket.last.say({});
  assert.deepEqual([WebSocket.all.length, texts.length, connection.state.name], [2, 1, 'open']);
});

test('closed is closed', async () => {
  const { timers, WebSocket, connection } = setUp();
  WebSocket.last.drop();
  connection.close();
  await timers.pass(60_000);
  assert.deepEqual([WebSocket.all.length, connection.state.name], [1, 'stopped']);
});
