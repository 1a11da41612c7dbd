// The chart of a market, with the lengths of its bars.

import * as api from '../api.js';
import { Candles, INTERVALS } from '../candles.js';
import { html, useEffect, useMemo, useRef, useState } from '../html.js';
import { watch } from '../live.js';
import { interval } from '../prefs.js';
import { text } from '../text.js';
import { CandleChart } from './candle-chart.js';

/** The chart's makers ask for this link beside what it draws. */
const MAKERS = 'https://www.tradingview.com/';

const nameOf = (length) => text(`interval_${length.endsWith('M') ? 'month' : length}`);

export function CandlePanel({ code }) {
  const [, draw] = useState(0);
  const [hasFailed, setFailed] = useState(false);
  const canvas = useRef(null);
  const chart = useRef(null);
  const candles = useMemo(() => new Candles({
    watch: (channel, on) => watch(channel, on) ?? (() => {}),
    load: api.candles,
    onChange: () => {
      chart.current?.changed();
      draw((times) => times + 1);
    },
  }), []);
  useEffect(() => {
    chart.current = new CandleChart({ canvas: canvas.current, candles, onFailed: () => setFailed(true) });
    return () => {
      chart.current.close();
      candles.close();
    };
  }, []);
  const chosen = INTERVALS.includes(interval.value) ? interval.value : '1m';
  useEffect(() => candles.show(code, chosen), [code, chosen]);
  const note = candles.bars.length > 0 ? null : candles.hasFailed || hasFailed ? 'chart_failed' : candles.isLoaded ? 'chart_empty' : 'loading';
  return html`<section class="chart" aria-label=${text('chart')}>
    <div class="intervals" role="group" aria-label=${text('interval')}>
      ${INTERVALS.map((length) => html`<button key=${length} type="button" aria-pressed=${length === chosen} onClick=${() => (interval.value = length)}>${nameOf(length)}</button>`)}
      <a class="makers" href=${MAKERS} target="_blank" rel="noopener">TradingView</a></div>
    <div class="canvas" ref=${canvas} role="img" aria-label=${text('chart_of', { code, interval: nameOf(chosen) })} />
    ${note && html`<p class="note" role="status">${text(note)}</p>`}
  </section>`;
}
