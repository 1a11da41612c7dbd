import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Candles, INTERVALS, readCandle } from '../candles.js';
import { parseLossless } from '../lossless.js';
import { FakeLive, FakeTimers, settled } from './harness.js';

const fixture = (name) => readFileSync(new URL(`../../docs/protocol/${name}.json`, import.meta.url), 'utf8');

const START = '2026-01-01T00:00:00.000Z';

/** A candle as the API has it, so many minutes after the beginning. */
function candle(minute, price, closed = true) {
  const start = new Date(Date.parse(START) + minute * 60_000).toISOString();
  return {
    start, opening_price: '100', high_price: '300', low_price: '50', trade_price: price, volume: '0.5', turnover: '50',
    traded_at: start, closed,
  };
}

function frame(minute, price, { interval = '1m', code = 'KRW-BTC', closed = false } = {}) {
  const { start, ...figures } = candle(minute, price, closed);
  return [{ type: `candle.${interval}`, code, candle_date_time_utc: start.slice(0, 19), candle_acc_trade_volume: 1,
    ...figures }];
}

function setUp(pages) {
  const timers = new FakeTimers();
  const live = new FakeLive();
  const asked = [];
  const load = async (...series) => {
    asked.push(series.join(' ').trim());
    const page = pages.shift();
    if (page instanceof Error) throw page;
    return page;
  };
  const candles = new Candles({ watch: live.watch, load, onChange: () => {}, timers });
  const channels = () => [...live.channels.keys()];
  const say = (frame) => live.say(channels()[0], frame);
  return { candles, timers, live, channels, say, asked };
}

const page = (candles, { complete = true, next_cursor = null } = {}) => ({ candles, complete, next_cursor });

test('the frames of the manual are bars', () => {
  const [newest, older] = parseLossless(fixture('candle-snapshot')).map(readCandle);
  assert.deepEqual([newest.time - older.time, newest.isClosed, older.isClosed], [60, false, true]);
  assert.deepEqual([older.high, older.close, older.volume], [158_220_000, 158_220_000, 0.8004467]);
  assert.equal(readCandle({ start: 'never', opening_price: '1' }), null);
});

test('a chart is a page and what the socket says of the running window', async () => {
  const { candles, channels, say } = setUp([page([candle(0, '100'), candle(1, '101', false)])]);
  candles.show('KRW-BTC');
  await settled();
  assert.deepEqual(channels(), ['candle.1m:KRW-BTC']);
  say(frame(1, 105));
  say(frame(2, 106));
  say(frame(0, 99, { closed: true }));
  assert.deepEqual(candles.bars.map(({ close }) => close), [99, 105, 106]);
  assert.ok(candles.bars.every(({ time }, place) => time === Date.parse(START) / 1000 + place * 60));
});

test('another interval is another chart, and late frames of the old one are dropped', async () => {
  const { candles, channels, say, asked } = setUp([page([candle(0, '1')]), page([candle(0, '2')])]);
  candles.show('KRW-BTC');
  await settled();
  candles.show('KRW-BTC', '5m');
  assert.deepEqual(candles.bars, []);
  await settled();
  say(frame(1, 9));
  say(frame(1, 9, { interval: '5m', code: 'KRW-ETH' }));
  assert.deepEqual(candles.bars.map(({ close }) => close), [2]);
  assert.deepEqual(asked, ['KRW-BTC 1m', 'KRW-BTC 5m']);
  assert.deepEqual(channels(), ['candle.5m:KRW-BTC'], 'nobody watches the old one any more');
});

test('older bars come on demand until there are none', async () => {
  const first = page([candle(2, '3')], { next_cursor: 'c2' });
  const { candles, asked } = setUp([first, page([candle(0, '1'), candle(1, '2')])]);
  candles.show('KRW-BTC', '1d');
  await settled();
  await candles.older();
  await candles.older();
  assert.deepEqual(candles.bars.map(({ close }) => close), [1, 2, 3]);
  assert.deepEqual([asked, candles.hasOlder], [['KRW-BTC 1d', 'KRW-BTC 1d c2'], false]);
});

test('what is still being collected, or could not be loaded, is asked for again', async () => {
  const pages = [new Error('down'), page([], { complete: false }), page([candle(0, '1')])];
  const { candles, timers, asked } = setUp(pages);
  candles.show('KRW-BTC');
  await settled();
  assert.ok(candles.hasFailed);
  await timers.pass(3_000);
  assert.deepEqual([candles.hasFailed, candles.bars.length], [false, 0]);
  await timers.pass(60_000);
  assert.deepEqual([candles.bars.length, asked.length], [1, 3]);
});

test('after a lost connection the chart is filled up', async () => {
  const { candles, live, asked } = setUp([page([candle(0, '1')]), page([candle(0, '1'), candle(1, '2')])]);
  candles.show('KRW-BTC');
  await settled();
  live.channels.get('candle.1m:KRW-BTC').subscribed();
  await settled();
  assert.deepEqual([candles.bars.length, asked.length], [2, 2]);
});

test('the digits behind the point are those of the prices', async () => {
  const { candles } = setUp([page([candle(0, '0.00001234')])]);
  candles.show('KRW-SHIB', INTERVALS.at(-1));
  await settled();
  assert.equal(candles.fraction, 8);
});

test('a vendored library is the file that its table names', () => {
  const table = readFileSync(new URL('../vendor/README.md', import.meta.url), 'utf8');
  const rows = [...table.matchAll(/^\| `([\w.-]+\.(?:js|css))` \| `[@\w/-]+@[\d.]+` .* `([0-9a-f]{64})` \|$/gm)];
  assert.equal(rows.length, 11);
  for (const [, file, hash] of rows) {
    const content = readFileSync(new URL(`../vendor/${file}`, import.meta.url));
    assert.equal(createHash('sha256').update(content).digest('hex'), hash, file);
  }
});
