// The list of rooms beside (on a phone: before) the conversation, and the search in it.

import { formatFixed, formatRate } from './decimal.js';
import { element, oncePerFrame, reconcile, setText } from './dom.js';
import { readTicker } from './price.js';
import { language, text } from './text.js';

export class RoomList {
  /** Whether the list could not be loaded the last time. */
  hasFailed = false;
  #nodes;
  #rooms = null;
  #names = new Map();
  #current = null;
  #draw = oncePerFrame(() => this.#render());
  /** The last price of each market, and those that are not on the screen yet. */
  #quotes = new Map();
  #moved = new Map();
  #drawQuotes = oncePerFrame(() => this.#renderQuotes());

  constructor(root) {
    const find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.#nodes = { search: find('search'), list: find('list'), note: find('note') };
    this.#nodes.search.addEventListener('input', this.#draw);
    // Enter opens the first match.
    this.#nodes.search.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#nodes.list.querySelector('a')?.click();
    });
  }

  /** `rooms` and `markets` as the API gives them; `null` when they could not be loaded. */
  update(rooms, markets) {
    this.hasFailed = rooms === null;
    this.#rooms = rooms ?? this.#rooms;
    if (markets) this.#names = new Map(markets.map((market) => [market.code, market]));
    for (const market of markets ?? []) {
      // A socket is quicker; this is for the first moment, and for markets without one.
      if (market.trade_price !== undefined && !this.#quotes.has(market.code)) {
        this.#quotes.set(market.code, readTicker(market));
        this.#moved.set(market.code, null);
      }
    }
    this.#draw();
    this.#drawQuotes();
  }

  /** A price came. */
  quote(code, ticker) {
    const before = this.#quotes.get(code)?.price;
    this.#quotes.set(code, ticker);
    this.#moved.set(code, before && ticker.price ? moveOf(before, ticker.price) : null);
    this.#drawQuotes();
  }

  /** The markets that have a price, or should. */
  get codes() {
    return [...this.#names.keys()];
  }

  /** Marks the room that is open. */
  select(room) {
    this.#current = room;
    this.#draw();
  }

  /** What a room is called here. */
  nameOf(room) {
    const market = this.#names.get(room);
    return (language === 'ko' ? market?.korean_name : market?.english_name) || room;
  }

  hasWarning(room) {
    return this.#names.get(room)?.warning === true;
  }

  find(room) {
    return this.#rooms?.find(({ name }) => name === room);
  }

  /** The room to open when none was asked for. */
  get first() {
    return (this.find('KRW-BTC') ?? this.#rooms?.[0])?.name ?? null;
  }

  #render() {
    const { list, note, search } = this.#nodes;
    const wanted = normal(search.value);
    const rooms = (this.#rooms ?? []).filter(({ name }) => this.#matches(name, wanted));
    rooms.sort((a, b) => b.members - a.members || (a.name < b.name ? -1 : 1));
    reconcile(list, rooms.map((room) => this.#row(room)));
    setText(note, this.hasFailed ? text('rooms_failed')
      : this.#rooms === null ? text('loading')
        : rooms.length === 0 ? text('no_match') : '');
  }

  #renderQuotes() {
    const moved = this.#moved;
    this.#moved = new Map();
    for (const row of this.#nodes.list.children) {
      const code = row.dataset.key;
      if (!moved.has(code)) continue;
      const quote = row.querySelector('.quote');
      fill(quote, this.#quotes.get(code));
      if (moved.get(code)) blink(quote.firstChild, moved.get(code));
    }
  }

  #matches(room, wanted) {
    const market = this.#names.get(room);
    return [room, market?.korean_name, market?.english_name].some((name) => name && normal(name).includes(wanted));
  }

  #row({ name, members }) {
    const isCurrent = name === this.#current;
    const title = this.nameOf(name);
    const warning = this.hasWarning(name);
    const quote = () => fill(element('span', { class: 'quote' }, element('b'), element('span')), this.#quotes.get(name));
    return {
      key: name,
      version: JSON.stringify([isCurrent, title, members, warning]),
      make: () => element('li', {},
        element('a', { href: `#${encodeURIComponent(name)}`, 'aria-current': isCurrent && 'page' },
          element('span', { class: 'name' }, title),
          element('span', { class: 'code' }, name),
          warning ? element('span', { class: 'badge', title: text('warning_hint') }, text('warning')) : null,
          quote(),
          members > 0 ? element('span', { class: 'members' }, text('here', { count: members })) : null,
        )),
    };
  }
}

const STILL = matchMedia('(prefers-reduced-motion: reduce)');

/** Price and change into their two places. */
function fill(node, quote) {
  const [price, rate] = node.children;
  setText(price, quote?.price ? formatFixed(quote.price, quote.fraction) : '');
  setText(rate, quote?.rate ? formatRate(quote.rate) : '');
  node.dataset.direction = quote?.direction ?? 'even';
  return node;
}

/** Which way a price went; none if it stayed. */
function moveOf(before, after) {
  const scale = Math.max(before.scale, after.scale);
  const [a, b] = [before, after].map(({ digits, scale: own }) => digits * 10n ** BigInt(scale - own));
  return a === b ? null : a < b ? 'rise' : 'fall';
}

/** A frame around the price for a moment, as the exchange's own page has it. */
function blink(node, move) {
  if (STILL.matches) return;
  const frame = (colour) => ({ boxShadow: `0 0 0 1px ${colour}` });
  node.animate([frame(`var(--${move})`), frame(`var(--${move})`), frame('transparent')], { duration: 500 });
}

/** So that `btc`, `BTC` and composed or decomposed Hangul find the same. */
function normal(value) {
  return value.normalize('NFC').trim().toLowerCase();
}
