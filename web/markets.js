// Markets: their names, their last prices, who talks where. The list is asked for now and then; what is on the screen
// follows the socket. No DOM.

import * as api from './api.js';
import { fractionDigits, parseDecimal } from './decimal.js';
import { batch, computed, signal } from './vendor/signals-core.js';
import { watch } from './live.js';
import { language } from './prefs.js';

const EVERY_MS = 20_000;
const AGAIN_MS = 4_000;

/** `null` until the first answer; then `[{ code, korean_name, english_name, warning }]`. */
export const markets = signal(null);
export const hasFailed = signal(false);
export const isStale = signal(false);
/** Members by room. */
export const members = signal(new Map());

const quotes = new Map();

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

/** A price of the list or of the socket, its numbers as decimals. What is missing is `null`: the exchange may leave things out. */
export function readTicker(frame) {
  const ticker = Object.fromEntries(Object.entries(DECIMALS).map(([name, key]) => [name, parseDecimal(frame[key])]));
  const prices = [ticker.price, ticker.opening, ticker.high, ticker.low, ticker.change].filter(Boolean);
  return {
    ...ticker,
    // The same for all prices, so that the digits do not jump about.
    fraction: Math.min(8, Math.max(0, ...prices.map(fractionDigits))),
    direction: { RISE: 'rise', FALL: 'fall' }[frame.change] ?? 'even',
    at: Number(frame.trade_timestamp ?? frame.timestamp) || null,
    isSuspended: frame.is_trading_suspended === true || frame.market_state === 'DELISTED',
    isLive: frame.type === 'ticker',
  };
}

/** The last price of a market, as a signal; `null` until there is one. */
export function quote(code) {
  if (!quotes.has(code)) quotes.set(code, signal(null));
  return quotes.get(code);
}

function onQuote(code, ticker) {
  const known = quote(code);
  const before = known.peek();
  if (before && ticker.at < before.at) return;
  // The list knows fewer figures than the socket.
  const kept = ticker.isLive || !before ? ticker : { ...before, ...Object.fromEntries(Object.entries(ticker).filter(([, value]) => value !== null)) };
  known.value = { ...kept, fraction: Math.max(ticker.fraction, before?.fraction ?? 0) };
}

/** Follows the price of a market until the function that this returns is called. */
export function follow(code) {
  const on = { publication: (frame) => frame.type === 'ticker' && onQuote(code, readTicker(frame)) };
  return watch(`ticker:${code}`, on) ?? (() => {});
}

/** In the visitor's language. */
export const nameOf = (market) => (language.value === 'ko' ? market.korean_name : market.english_name) || market.code;

export const find = (code) => markets.value?.find((market) => market.code === code);

/** `KRW-BTC` as `BTC/KRW`. */
export const pairOf = (code) => code.split('-').reverse().join('/');

/** Rooms with somebody in them, the busiest first. */
export const busiest = computed(() => {
  const rooms = [...members.value].filter(([code, count]) => count > 0 && find(code));
  return rooms.sort((a, b) => b[1] - a[1]).map(([code, count]) => ({ code, count }));
});

/** Reads the list once; says whether that went well. */
export async function load() {
  try {
    const [page, rooms] = await Promise.all([api.markets(), api.rooms()]);
    batch(() => {
      for (const market of page.markets) onQuote(market.code, readTicker(market));
      const named = page.markets.map(({ code, korean_name: korean, english_name: english, warning }) => ({ code, korean_name: korean, english_name: english, warning }));
      if (JSON.stringify(named) !== JSON.stringify(markets.peek())) markets.value = named;
      members.value = new Map(rooms.map(({ name, members: count }) => [name, count]));
      hasFailed.value = false;
      isStale.value = page.stale === true;
    });
  } catch {
    hasFailed.value = true;
  }
  return !hasFailed.peek();
}

/** Keeps the list fresh from now on. */
export async function keepFresh() {
  if (!document.hidden || markets.peek() === null) await load();
  setTimeout(keepFresh, hasFailed.peek() ? AGAIN_MS : EVERY_MS);
}

const FIGURES = { price: 'price', change: 'rate', turnover: 'turnover24h' };
const compare = (a, b) => (a === b ? 0 : a === null ? 1 : b === null ? -1 : b - a);
const numberOf = (decimal) => (decimal ? Number(decimal.digits) / 10 ** decimal.scale : null);

/** The markets that a search means, in the wanted order: `turnover`, `change`, `price` or `name`, down or up. */
export function chosen(list, { search, order, isUp, isStarred, starred }) {
  const words = search.trim().toLowerCase();
  const isMeant = (market) =>
    (!isStarred || starred.has(market.code))
    && [market.code, pairOf(market.code), market.korean_name, market.english_name].some((name) => name.toLowerCase().includes(words));
  const meant = list.filter(isMeant);
  if (order === 'name') meant.sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  else {
    const value = (market) => numberOf(quote(market.code).peek()?.[FIGURES[order]] ?? null);
    const values = new Map(meant.map((market) => [market.code, value(market)]));
    meant.sort((a, b) => compare(values.get(a.code), values.get(b.code)) || a.code.localeCompare(b.code));
  }
  return isUp ? meant.reverse() : meant;
}
