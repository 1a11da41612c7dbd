// The candles of the market that is being looked at: one page over REST, older ones on demand, and what a socket says of
// the running window. No DOM.

import { fractionDigits, parseDecimal } from './decimal.js';

export const INTERVALS = ['1m', '3m', '5m', '10m', '15m', '30m', '60m', '240m', '1d', '1w', '1M', '1y'];

/** A server that has just begun to collect needs a moment for what it was asked for. */
const AGAIN_MS = 3_000;
const AGAIN_TIMES = 10;
/** Bars on the screen at most; nobody scrolls further back than this. */
const BARS_MAX = 5_000;

export class Candles {
  market = null;
  interval = '1m';
  /** Oldest first, each `{ time, open, high, low, close, volume }`, time in seconds since 1970. */
  bars = [];
  /** Digits behind the point of its prices. */
  fraction = 0;
  /** Whether the last page could not be loaded. */
  hasFailed = false;
  isLoaded = false;
  #older = null;
  #isLoading = false;
  #tries = 0;
  #timer = null;
  #token = null;
  #options;
  #stop = null;

  /**
   * `load(market, interval, to)` answers a page as the API does, its numbers as strings. `watch(channel, on)` tells
   * `on.publication` of the frames of a channel and `on.subscribed` of each beginning, and returns how to end it.
   */
  constructor({ watch, load, onChange, timers = globalThis }) {
    this.#options = { watch, load, onChange, timers };
  }

  get hasOlder() {
    return this.#older !== null && this.bars.length < BARS_MAX;
  }

  show(market, interval = this.interval) {
    if (market === this.market && interval === this.interval) return;
    this.close();
    Object.assign(this, { market, interval, bars: [], fraction: 0, hasFailed: false, isLoaded: false });
    this.#older = null;
    this.#tries = 0;
    this.#token = {};
    this.#isLoading = false;
    this.#options.onChange();
    this.#stop = this.#options.watch(`candle.${interval}:${market}`, {
      publication: (frame) => this.#onFrame(frame),
      // What happened while there was no connection.
      subscribed: () => this.isLoaded && this.#load(),
    });
    this.#load();
  }

  /** Nobody looks any more. */
  close() {
    this.#stop?.();
    this.#stop = null;
    this.#token = null;
    this.market = null;
    this.#options.timers.clearTimeout(this.#timer);
  }

  /** Loads the bars before those that are there. */
  async older() {
    if (this.hasOlder) await this.#load(this.#older);
  }

  async #load(to = null) {
    if (this.#isLoading) return;
    this.#isLoading = true;
    this.#options.timers.clearTimeout(this.#timer);
    const token = this.#token;
    let page = null;
    try {
      page = await this.#options.load(this.market, this.interval, to);
    } catch {
      // Told by `hasFailed`; it is tried again with the next connection, or a moment later.
    }
    if (this.#token !== token) return;
    this.#isLoading = false;
    this.hasFailed = page === null;
    if (page) this.#onPage(page, to);
    if (to === null && !page?.complete && this.#tries < AGAIN_TIMES) {
      this.#tries += 1;
      this.#timer = this.#options.timers.setTimeout(() => this.#load(), AGAIN_MS);
    }
    this.#options.onChange();
  }

  #onPage({ candles, next_cursor: cursor }, to) {
    const read = candles.map(readCandle).filter(Boolean);
    // A socket that was quicker knows the running window better.
    const known = new Set(this.bars.map(({ time }) => time));
    const isNews = (bar) => to !== null || !this.isLoaded || bar.isClosed || !known.has(bar.time);
    this.bars = merge(this.bars, read.filter(isNews));
    if (to !== null || this.#older === null) this.#older = cursor ?? null;
    this.isLoaded = true;
    this.#measure(candles);
  }

  /** The same for all bars, so that the digits do not jump about. */
  #measure(candles) {
    for (const { trade_price: price, low_price: low } of candles) {
      for (const decimal of [parseDecimal(price), parseDecimal(low)].filter(Boolean)) {
        this.fraction = Math.min(8, Math.max(this.fraction, fractionDigits(decimal)));
      }
    }
  }

  #onFrame(frame) {
    // A frame of the series before this one may still be under way.
    const isOurs = ({ code, type }) => code === this.market && type === `candle.${this.interval}`;
    const candles = Array.isArray(frame) ? frame.filter(isOurs) : [];
    if (candles.length === 0) return;
    this.bars = merge(this.bars, candles.map(readCandle).filter(Boolean));
    this.#measure(candles);
    this.#options.onChange();
  }
}

/** A candle of the API or of the socket as a bar. To draw it, a float is exact enough. */
export function readCandle(candle) {
  const time = Date.parse(candle.start ?? `${candle.candle_date_time_utc}Z`) / 1000;
  const bar = {
    time,
    open: Number(candle.opening_price),
    high: Number(candle.high_price),
    low: Number(candle.low_price),
    close: Number(candle.trade_price),
    volume: Number(candle.volume ?? candle.candle_acc_trade_volume),
    isClosed: candle.closed === true,
  };
  return Object.values(bar).some(Number.isNaN) ? null : bar;
}

/** Bars in order, each time once; of two, the one of `news`. */
function merge(bars, news) {
  const byTime = new Map([...bars, ...news].map((bar) => [bar.time, bar]));
  return [...byTime.values()].sort((a, b) => a.time - b.time);
}
