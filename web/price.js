// The price of the market that is being looked at: one socket, one subscription, the last frame. No DOM.

import { Connection } from './connection.js';
import { fractionDigits, parseDecimal } from './decimal.js';
import { parseLossless } from './lossless.js';
import { tickerUrl } from './wire.js';

export class Price {
  /** The market. */
  market = null;
  /** The last frame as {@link readTicker} gives it, or `null`. */
  ticker = null;
  /** The code of a refusal, such as `unknown_market`. */
  refusal = null;
  #connection;
  #onChange;

  constructor({ origin, renew, onChange, connect = {} }) {
    this.#onChange = onChange;
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
    if (this.market) this.#connection.send(JSON.stringify({ type: 'UNSUBSCRIBE', market: this.market }));
    Object.assign(this, { market, ticker: null, refusal: null });
    this.#subscribe();
    this.#connection.open();
    this.#onChange();
  }

  hurry() {
    this.#connection.hurry();
  }

  restart(openedBefore) {
    this.#connection.restart(openedBefore);
  }

  #subscribe() {
    this.#connection.send(JSON.stringify({ market: this.market }));
  }

  #onState({ name }) {
    if (name === 'open') this.#subscribe();
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
    if (frame?.type === 'ticker' && frame.code === this.market) this.ticker = readTicker(frame);
    else if (frame?.type === 'ERROR') this.refusal = String(frame.code);
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
