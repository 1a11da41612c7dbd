// The frames of docs/protocol are the fixtures, here as in the server's own tests.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseLossless } from '../lossless.js';
import { readTicker } from '../price.js';
import { chatUrl, readFrame, readHistoryMessage, tickerUrl, writeMessage } from '../wire.js';

const fixture = (name) => readFileSync(new URL(`../../docs/protocol/${name}.json`, import.meta.url), 'utf8');

test('every frame of the chat is understood', () => {
  assert.deepEqual(readFrame(fixture('chat-joined')), {
    type: 'joined', epoch: 'k3J9xQ2b', offset: 1041, recovered: undefined,
  });
  assert.equal(readFrame(fixture('chat-joined-recovered')).recovered, true);
  assert.deepEqual(readFrame(fixture('chat-message')), {
    type: 'message',
    message: {
      offset: 1042,
      id: '95823133663961868',
      sender: { id: '95823133641159631', name: '조아라', profileUrl: null },
      content: '비트코인 159백만 돌파! 🚀',
      at: 1767225600123,
    },
  });
  assert.deepEqual(readFrame(fixture('chat-ack')), {
    type: 'ack', id: '0c9f4a52-6c1e-4f4e-9d0b-2a8f6f3f7a10', messageId: '95823133663961868', offset: 1042,
  });
  const error = readFrame(fixture('chat-error'));
  assert.deepEqual([error.type, error.code, error.id], ['error', 'content_empty', '0c9f4a52-6c1e-4f4e-9d0b-2a8f6f3f7a10']);
  assert.equal(readFrame(fixture('chat-error-rate-limited')).retryAfterMs, 850);
  assert.deepEqual(readFrame(fixture('chat-shutdown')), { type: 'shutdown', retryAfterMs: 2750 });
});

test('what the page sends is what the manual shows', () => {
  const { id, content } = JSON.parse(fixture('chat-send'));
  assert.equal(writeMessage({ id, content }), fixture('chat-send').trim());
});

test('a frame of the ticker keeps every digit', () => {
  const ticker = readTicker(parseLossless(fixture('ticker-frame')));
  assert.equal(ticker.price.digits, 15_821_900_000_000_000n);
  assert.deepEqual([ticker.fraction, ticker.direction, ticker.isSimulated], [0, 'rise', true]);
});

test('a frame without some of the numbers is still a frame', () => {
  const ticker = readTicker(parseLossless('{"type":"ticker","code":"KRW-BTC","trade_price":"x"}'));
  assert.deepEqual([ticker.price, ticker.high, ticker.fraction, ticker.direction], [null, null, 0, 'even']);
});

test('strangers are no frames', () => {
  for (const text of ['', 'hello', 'null', '[]', '{"type":"TYPING"}', '{}']) assert.equal(readFrame(text), null, text);
});

test('a message with nonsense in it can still be shown', () => {
  const { message } = readFrame('{"type":"MESSAGE","offset":1,"timestamp":9e99}');
  assert.deepEqual([message.at, message.content, message.sender.name], [0, '', '']);
});

test('history and socket give the same message', () => {
  const live = readFrame(fixture('chat-message')).message;
  const row = {
    id: live.id, room: 'KRW-BTC', offset: live.offset, content: live.content, created_at: '2026-01-01T00:00:00.123Z',
    sender: { id: live.sender.id, name: live.sender.name, profile_url: null },
  };
  assert.deepEqual(readHistoryMessage(row), live);
});

test('a position needs both of its halves', () => {
  assert.equal(chatUrl('http://a.test/', 'KRW-BTC', null), 'ws://a.test/ws/chat?room=KRW-BTC');
  assert.equal(chatUrl('http://a.test/', 'KRW-BTC', { epoch: 'e', offset: null }), 'ws://a.test/ws/chat?room=KRW-BTC');
  assert.equal(chatUrl('https://a.test/#x', 'A&B', { epoch: 'e', offset: 0 }), 'wss://a.test/ws/chat?room=A%26B&epoch=e&offset=0');
  assert.equal(tickerUrl('https://a.test/'), 'wss://a.test/ws/ticker');
});
