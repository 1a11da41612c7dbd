// The price on the screen: large, with its direction in words and signs as well as in colour.

import { formatFixed, formatPlain, formatRate, formatShort, withSign } from './decimal.js';
import { oncePerFrame, setText } from './dom.js';
import { language, text } from './text.js';

const SIGNS = { rise: '▲', fall: '▼', even: '' };
const TIME = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export class PriceView {
  #price;
  #nodes;
  #onPrice;
  #draw = oncePerFrame(() => this.#render());

  /** `onPrice(formatted)` hears of each price that is shown, or of `null`. */
  constructor({ root, price, onPrice }) {
    this.#price = price;
    this.#onPrice = onPrice;
    const names = ['figures', 'price', 'unit', 'direction', 'change', 'high', 'low', 'turnover', 'volume', 'time', 'note',
      'simulated', 'suspended'];
    this.#nodes = Object.fromEntries(names.map((name) => [name, root.querySelector(`[data-part="${name}"]`)]));
    this.#nodes.root = root;
  }

  changed() {
    this.#draw();
  }

  #render() {
    const { ticker, market } = this.#price;
    const nodes = this.#nodes;
    const note = this.#note();
    setText(nodes.note, note ? text(note) : '');
    nodes.root.classList.toggle('paused', note !== null);
    nodes.figures.hidden = ticker === null;
    nodes.simulated.hidden = !ticker?.isSimulated;
    nodes.suspended.hidden = !ticker?.isSuspended;
    if (ticker) this.#renderFigures(ticker, market);
    this.#onPrice(ticker?.price ? formatFixed(ticker.price, ticker.fraction) : null);
  }

  #renderFigures(ticker, market) {
    const nodes = this.#nodes;
    const [quote, base] = market.split('-', 2);
    const fixed = (decimal) => (decimal ? formatFixed(decimal, ticker.fraction) : '–');
    nodes.root.dataset.direction = ticker.direction;
    setText(nodes.price, fixed(ticker.price));
    setText(nodes.unit, quote);
    setText(nodes.direction, text(ticker.direction));
    const change = ticker.change ? withSign(ticker.change, fixed(ticker.change)) : '';
    const rate = ticker.rate ? formatRate(ticker.rate) : '';
    setText(nodes.change, [SIGNS[ticker.direction], change, rate && `(${rate})`].filter(Boolean).join(' '));
    setText(nodes.high, fixed(ticker.high));
    setText(nodes.low, fixed(ticker.low));
    setText(nodes.turnover, ticker.turnover24h ? `${formatShort(ticker.turnover24h, language)} ${quote}` : '–');
    setText(nodes.volume, ticker.volume24h ? `${formatPlain(ticker.volume24h, 3)} ${base}` : '–');
    setText(nodes.time, ticker.at ? TIME.format(ticker.at) : '');
  }

  #note() {
    const { ticker, refusal, connection } = this.#price;
    if (connection.name === 'stopped' && connection.reason) return 'price_stopped';
    if (refusal === 'unknown_market') return 'price_unknown';
    if (connection.name === 'waiting') return 'price_paused';
    // A first try is not worth a word, and a new one only while there is something to be paused.
    if (connection.name === 'connecting' && ticker) return 'price_paused';
    return ticker ? null : 'price_waiting';
  }
}
