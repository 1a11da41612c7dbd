// The last day of a market as a line, read when it comes into sight.

import * as api from '../api.js';
import { html, signal } from '../html.js';
import { quote } from '../markets.js';
import { useSight } from '../use.js';

const HOURS = 24;
const FRESH_MS = 10 * 60_000;
const AT_ONCE = 3;
const WIDTH = 96;
const HEIGHT = 28;

const lines = new Map();
const waiting = [];
let running = 0;

function lineOf(code) {
  if (!lines.has(code)) lines.set(code, { points: signal(null), readAt: 0 });
  return lines.get(code);
}

function ask(code) {
  const line = lineOf(code);
  if (Date.now() - line.readAt < FRESH_MS || waiting.includes(code)) return;
  waiting.push(code);
  next();
}

async function next() {
  if (running >= AT_ONCE || waiting.length === 0) return;
  const code = waiting.shift();
  const line = lineOf(code);
  running += 1;
  line.readAt = Date.now();
  try {
    const { candles } = await api.candles(code, '60m', null, HOURS);
    line.points.value = candles.map(({ trade_price: price }) => Number(price)).filter(Number.isFinite);
  } catch {
    line.readAt = 0;
  }
  running -= 1;
  next();
}

export function Sparkline({ code }) {
  const node = useSight(() => {
    ask(code);
  }, [code]);
  const points = lineOf(code).points.value ?? [];
  const direction = quote(code).value?.direction ?? 'even';
  return html`<svg ref=${node} class="sparkline ${direction}" viewBox="0 0 ${WIDTH} ${HEIGHT}" width=${WIDTH} height=${HEIGHT} aria-hidden="true" focusable="false">
    ${points.length > 1 && html`<path d=${pathOf(points)} />`}</svg>`;
}

/** A line from left to right that fills the height. */
export function pathOf(points) {
  const [low, high] = [Math.min(...points), Math.max(...points)];
  const x = (at) => ((at / (points.length - 1)) * (WIDTH - 2) + 1).toFixed(1);
  const y = (value) => (high === low ? HEIGHT / 2 : HEIGHT - 2 - ((value - low) / (high - low)) * (HEIGHT - 4)).toFixed(1);
  return points.map((value, at) => `${at === 0 ? 'M' : 'L'}${x(at)} ${y(value)}`).join('');
}
