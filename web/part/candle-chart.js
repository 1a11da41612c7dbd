// The chart: candles above their volume, in the colours of Korea, where red is up.

import { effect } from '../html.js';
import { colours, language, theme } from '../prefs.js';

/** So near to the left end, older bars are loaded. */
const EDGE_BARS = 20;
const DARK = matchMedia('(prefers-color-scheme: dark)');

/** Runs `draw` once in the next frame, however often it was asked for. */
export function oncePerFrame(draw) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      draw();
    });
  };
}

export class CandleChart {
  #candles;
  #canvas;
  #chart = null;
  #price = null;
  #volume = null;
  #shown = { key: null, first: null, length: 0, last: null };
  #isGone = false;
  #endings = [];
  #draw = oncePerFrame(() => this.#render());

  constructor({ canvas, candles, onFailed }) {
    this.#candles = candles;
    this.#canvas = canvas;
    const recolour = oncePerFrame(() => this.#recolour());
    DARK.addEventListener('change', recolour);
    this.#endings = [
      () => DARK.removeEventListener('change', recolour),
      effect(() => [theme.value, colours.value] && recolour()),
    ];
    this.#load(onFailed);
  }

  close() {
    this.#isGone = true;
    this.#endings.forEach((end) => end());
    this.#chart?.remove();
    this.#chart = null;
  }

  changed() {
    this.#draw();
  }

  /** The library comes after the page, which works without it. */
  async #load(onFailed) {
    let library;
    try {
      library = await import('../vendor/lightweight-charts.js');
    } catch {
      onFailed();
      return;
    }
    if (this.#isGone) return;
    const { createChart, CandlestickSeries, HistogramSeries } = library;
    this.#chart = createChart(this.#canvas, { autoSize: true, ...this.#look() });
    this.#price = this.#chart.addSeries(CandlestickSeries, this.#colours());
    this.#volume = this.#chart.addSeries(HistogramSeries, {
      priceScaleId: 'volume', priceFormat: { type: 'volume' }, lastValueVisible: false, priceLineVisible: false,
    });
    this.#chart.priceScale('volume').applyOptions({ scaleMargins: { top: 0.8, bottom: 0 } });
    this.#chart.priceScale('right').applyOptions({ scaleMargins: { top: 0.08, bottom: 0.25 } });
    this.#chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range && range.from < EDGE_BARS && this.#shown.length > 0) this.#candles.older();
    });
    this.#draw();
  }

  #render() {
    if (this.#chart) this.#renderBars(this.#candles);
  }

  #renderBars({ market, interval, bars, fraction }) {
    const key = `${market} ${interval} ${fraction}`;
    const isNew = this.#shown.key !== key;
    const isGrown = !isNew && this.#shown.first === bars[0]?.time && this.#shown.length > 0
      && bars.length - this.#shown.length <= 1 && bars.length >= this.#shown.length;
    if (isNew) this.#measure(interval, fraction);
    if (isGrown) this.#update(bars.slice(-2));
    else this.#replace(bars);
    if (isNew && bars.length > 0) this.#chart.timeScale().resetTimeScale();
    const known = bars.length > 0 ? key : null;
    this.#shown = { key: known, first: bars[0]?.time, length: bars.length, last: bars.at(-1)?.time };
  }

  /** The last two: the running one, and the one before, which may have been corrected. */
  #update(bars) {
    for (const bar of bars) {
      const isLate = bar.time < this.#shown.last;
      this.#price.update(bar, isLate);
      this.#volume.update(this.#column(bar), isLate);
    }
  }

  #replace(bars) {
    this.#price.setData(bars);
    this.#volume.setData(bars.map((bar) => this.#column(bar)));
  }

  #column({ time, open, close, volume }) {
    return { time, value: volume, color: `${this.#colour(close >= open ? '--rise' : '--fall')}80` };
  }

  #measure(interval, fraction) {
    const number = new Intl.NumberFormat(language.peek(), { minimumFractionDigits: fraction, maximumFractionDigits: fraction });
    const formatter = (price) => number.format(price);
    this.#price.applyOptions({ priceFormat: { type: 'custom', minMove: 10 ** -fraction, formatter } });
    // Days and longer are the exchange's days; an hour is the visitor's.
    const isLong = !interval.endsWith('m');
    const zone = isLong ? { timeZone: 'UTC' } : {};
    const date = new Intl.DateTimeFormat(language.peek(), { ...zone, month: 'short', day: 'numeric' });
    const year = new Intl.DateTimeFormat(language.peek(), { ...zone, year: 'numeric', month: 'short' });
    const clock = new Intl.DateTimeFormat(language.peek(), { hour: '2-digit', minute: '2-digit' });
    const whole = new Intl.DateTimeFormat(language.peek(), isLong ? { ...zone, dateStyle: 'medium' }
      : { dateStyle: 'medium', timeStyle: 'short' });
    // The library's kinds of marks: 0 a year, 1 a month, 2 a day, then times.
    const formatOf = (kind) => (kind <= 1 ? year : kind === 2 ? date : clock);
    this.#chart.applyOptions({
      localization: { locale: language.peek(), timeFormatter: (time) => whole.format(time * 1000) },
      timeScale: {
        timeVisible: !isLong,
        tickMarkFormatter: (time, kind) => formatOf(kind).format(time * 1000),
      },
    });
  }

  #recolour() {
    if (!this.#chart || this.#isGone) return;
    this.#chart.applyOptions(this.#look());
    this.#price.applyOptions(this.#colours());
    this.#replace(this.#candles.bars);
  }

  #look() {
    const line = this.#colour('--line');
    return {
      layout: {
        background: { color: this.#colour('--surface') },
        textColor: this.#colour('--faint'),
        fontFamily: getComputedStyle(document.body).fontFamily,
        // It is an inline style sheet, which our policy forbids; the link above says the same.
        attributionLogo: false,
      },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line, rightOffset: 3 },
    };
  }

  #colours() {
    const [rise, fall] = [this.#colour('--rise'), this.#colour('--fall')];
    return {
      upColor: rise, downColor: fall, wickUpColor: rise, wickDownColor: fall, borderUpColor: rise, borderDownColor: fall,
    };
  }

  #colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
}
