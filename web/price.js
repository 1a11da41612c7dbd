// Prices: one socket, the market that is being looked at first, then all others; the last frame of each. No DOM.

import { Connection } from './connection.js';
import { fractionDigits, parseDecimal } from './decimal.js';
import { parseLossless } from './lossless.js';
import { tickerUrl } from './wire.js';

/** Subscriptions in a second: the server refuses a client that says more than 30 things in one. */
const SUBSCRIPTIONS_AT_ONCE = 20;
const SUBSCRIPTIONS_EVERY_MS = 1_000;

export class Price {
  /** The market. */
  market = null;
  /** The last frame as {@link readTicker} gives it, or `null`. */
  ticker = null;
  /** The code of a refusal, such as `unknown_market`. */
  refusal = null;
  #connection;
  #onChange;
  #onQuote;
  #timers;
  #timer = null;
  #followed = new Set();
  #waiting = [];

  /** `onChange()` hears of the market that is being looked at, `onQuote(code, ticker)` of every price. */
  constructor({ origin, renew, onChange, onQuote = () => {}, timers = globalThis, connect = {} }) {
    this.#onChange = onChange;
    this.#onQuote = onQuote;
    this.#timers = timers;
    this.#connection = new Connection({
      url: () => tickerUrl(origin),
      renew,
      // Prices are for everybody: a handshake that fails has a passing cause.
      whyRefused: async () => null,
      onText: (text) => this.#onText(text),
      onState: (state) => this.#onState(state),
      ...connect,
    });
  }

  get connection() {
    return this.#connection.state;
  }

  watch(market) {
    if (market === this.market) return;
    const isUnwanted = this.market && !this.#followed.has(this.market);
    if (isUnwanted) this.#connection.send(JSON.stringify({ type: 'UNSUBSCRIBE', market: this.market }));
    Object.assign(this, { market, ticker: null, refusal: null });
    // A market that is followed anyhow is asked for anew, for its last price at once.
    if (this.#followed.has(market)) this.#connection.send(JSON.stringify({ type: 'UNSUBSCRIBE', market }));
    this.#subscribe(market);
    this.#connection.open();
    this.#onChange();
  }

  /** Follows these markets, too. */
  follow(codes) {
    const news = codes.filter((code) => !this.#followed.has(code));
    news.forEach((code) => this.#followed.add(code));
    this.#waiting.push(...news);
    this.#connection.open();
    this.#subscribeSome();
  }

  hurry() {
    this.#connection.hurry();
  }

  restart(openedBefore) {
    this.#connection.restart(openedBefore);
  }

  #subscribe(market) {
    if (market) this.#connection.send(JSON.stringify({ market }));
  }

  /** As many as the server takes at once; the others a moment later. */
  #subscribeSome() {
    if (this.#timer !== null || this.#connection.state.name !== 'open') return;
    this.#waiting.splice(0, SUBSCRIPTIONS_AT_ONCE).forEach((code) => this.#subscribe(code));
    if (this.#waiting.length === 0) return;
    this.#timer = this.#timers.setTimeout(() => {
      this.#timer = null;
      this.#subscribeSome();
    }, SUBSCRIPTIONS_EVERY_MS);
  }

  #onState({ name }) {
    if (name === 'open') {
      this.#subscribe(this.market);
      this.#waiting = [...this.#followed].filter((code) => code !== this.market);
      this.#subscribeSome();
    }
    this.#onChange();
  }

  #onText(text) {
    let frame;
    try {
      frame = parseLossless(text);
    } catch {
      return;
    }
    // A frame of the market before this one may still be under way.
    if (frame?.type === 'ticker') {
      const ticker = readTicker(frame);
      this.#onQuote(frame.code, ticker);
      if (frame.code !== this.market) return;
      this.ticker = ticker;
    } else if (frame?.type === 'ERROR') this.refusal = String(frame.code);
    else return;
    this.#onChange();
  }
}

const DECIMALS = {
  price: 'trade_price',
  change: 'signed_change_price',
  rate: 'signed_change_rate',
  opening: 'opening_price',
  high: 'high_price',
  low: 'low_price',
  turnover24h: 'acc_trade_price_24h',
  volume24h: 'acc_trade_volume_24h',
};

/** A frame, its numbers as decimals. What is missing is `null`: the exchange is free to leave things out. */
export function readTicker(frame) {
  const ticker = Object.fromEntries(
    Object.entries(DECIMALS).map(([name, key]) => [name, parseDecimal(frame[key])]),
  );
  const prices = [ticker.price, ticker.opening, ticker.high, ticker.low, ticker.change].filter(Boolean);
  return {
    ...ticker,
    // The same for all prices, so that the digits do not jump about.
    fraction: Math.min(8, Math.max(0, ...prices.map(fractionDigits))),
    direction: { RISE: 'rise', FALL: 'fall' }[frame.change] ?? 'even',
    at: Number(frame.trade_timestamp ?? frame.timestamp) || null,
    isSuspended: frame.is_trading_suspended === true,
    isSimulated: frame.simulated === true,
  };
}
