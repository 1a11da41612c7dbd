// Prices as they change.

import { formatFixed, formatPlain, formatRate, formatShort, withSign } from '../decimal.js';
import { html, useEffect, useRef } from '../html.js';
import { quote } from '../markets.js';
import { language } from '../prefs.js';
import { text } from '../text.js';

const CALM = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)');

/** The price of a market, which lights up for a moment when it changes. */
export function Price({ code }) {
  const ticker = quote(code).value;
  const node = useRef(null);
  const before = useRef(null);
  const price = ticker?.price ? formatFixed(ticker.price, ticker.fraction) : null;
  useEffect(() => {
    const value = ticker?.price ? Number(ticker.price.digits) / 10 ** ticker.price.scale : null;
    const known = before.current;
    before.current = { code, value };
    if (!known || known.code !== code || known.value === null || known.value === value || CALM?.matches) return;
    const colour = value > known.value ? 'var(--rise-wash)' : 'var(--fall-wash)';
    node.current?.animate([{ backgroundColor: colour }, { backgroundColor: 'transparent' }], { duration: 700, easing: 'ease-out' });
  }, [price, code]);
  return html`<span class="figure ${ticker?.direction ?? 'even'}" ref=${node}>${price ?? '–'}</span>`;
}

/** How much it rose or fell since the day began. */
export function Change({ code, withAmount = false }) {
  const ticker = quote(code).value;
  if (!ticker?.rate) return html`<span class="figure even">–</span>`;
  const amount = withAmount && ticker.change ? withSign(ticker.change, formatFixed(ticker.change, ticker.fraction)) : null;
  return html`<span class="figure ${ticker.direction}"><span class="hidden">${text(ticker.direction)} </span>${
    amount && html`<span class="amount">${amount}</span>`}${formatRate(ticker.rate)}</span>`;
}

export function Turnover({ code }) {
  const ticker = quote(code).value;
  return html`<span class="figure">${ticker?.turnover24h ? formatShort(ticker.turnover24h, language.value) : '–'}</span>`;
}

export function Figure({ code, name }) {
  const ticker = quote(code).value;
  const value = ticker?.[name];
  if (!value) return html`<span class="figure">–</span>`;
  const isPrice = name === 'high' || name === 'low';
  return html`<span class="figure">${isPrice ? formatFixed(value, ticker.fraction) : name === 'turnover24h' ? formatShort(value, language.value) : formatPlain(value, 2)}</span>`;
}
