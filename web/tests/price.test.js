import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Price } from '../price.js';
import { FakeTimers, fakeWebSocket } from './harness.js';

function setUp() {
  const timers = new FakeTimers();
  const WebSocket = fakeWebSocket();
  const quotes = [];
  const price = new Price({
    origin: 'http://a.test/', renew: async () => 'renewed', onChange: () => {}, timers,
    onQuote: (code, ticker) => quotes.push([code, ticker.price.digits]),
    connect: { WebSocket, timers, random: () => 0.5, now: () => timers.now },
  });
  return { price, WebSocket, quotes, timers };
}

const markets = (count) => Array.from({ length: count }, (_, number) => `KRW-${number}`);
const asked = (socket) => socket.sent.map((text) => JSON.parse(text)).filter(({ type }) => !type).map(({ market }) => market);

test('all markets are followed, the one that is looked at first and no more at once than the server takes', async () => {
  const { price, WebSocket, timers } = setUp();
  price.follow(markets(50));
  price.watch('KRW-7');
  WebSocket.last.accept();
  assert.equal(asked(WebSocket.last)[0], 'KRW-7');
  assert.equal(WebSocket.last.sent.length, 21);
  await timers.pass(1_000);
  assert.equal(WebSocket.last.sent.length, 41);
  await timers.pass(10_000);
  assert.deepEqual(asked(WebSocket.last).sort(), markets(50).sort());
});

test('every price is told, and only that of the market that is looked at is its ticker', () => {
  const { price, WebSocket, quotes } = setUp();
  price.follow(['KRW-A', 'KRW-B']);
  price.watch('KRW-A');
  WebSocket.last.accept();
  WebSocket.last.say({ type: 'ticker', code: 'KRW-B', trade_price: 5 });
  assert.equal(price.ticker, null);
  WebSocket.last.say({ type: 'ticker', code: 'KRW-A', trade_price: 7 });
  assert.deepEqual([quotes, price.ticker.price.digits], [[['KRW-B', 5n], ['KRW-A', 7n]], 7n]);
});

test('after a lost connection all are asked for again', async () => {
  const { price, WebSocket, timers } = setUp();
  price.follow(['KRW-A', 'KRW-B']);
  price.watch('KRW-A');
  WebSocket.last.accept();
  WebSocket.last.drop();
  await timers.pass(1_000);
  WebSocket.last.accept();
  assert.deepEqual(asked(WebSocket.last), ['KRW-A', 'KRW-B']);
});
