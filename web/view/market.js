// One market: its price, its chart, and the conversation beside them.

import { html, useEffect, useState } from '../html.js';
import { formatFixed } from '../decimal.js';
import { chosen, find, follow, hasFailed, load, markets, nameOf, pairOf, quote } from '../markets.js';
import { CandlePanel } from '../part/candle-panel.js';
import { Chat } from '../part/chat.js';
import { Icon } from '../part/icon.js';
import { MarketLink, Star } from '../part/market-row.js';
import { Empty, Failure, Tabs, Waiting } from '../part/piece.js';
import { Change, Figure, Price } from '../part/price.js';
import { favourites } from '../prefs.js';
import { href } from '../router.js';
import { text } from '../text.js';
import { useTitle } from '../use.js';
import { Search } from './markets.js';

const FIGURES = [['high', 'high'], ['low', 'low'], ['turnover', 'turnover24h'], ['volume', 'volume24h']];

function Rail({ code }) {
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState('all');
  const list = chosen(markets.value, { search, order: 'turnover', isUp: false, isStarred: shown === 'starred', starred: favourites.value });
  return html`<nav class="market-rail" aria-label=${text('markets')}>
    <${Search} value=${search} onInput=${setSearch} label=${text('search')} hint=${text('search_hint')} />
    <${Tabs} label=${text('show')} options=${[['all', text('all')], ['starred', text('favourites')]]} chosen=${shown} onChoose=${setShown} />
    ${list.length === 0 ? html`<p class="faint pad">${text(search ? 'no_match' : 'no_favourites')}</p>`
      : html`<ul>${list.map((market) => html`<${MarketLink} key=${market.code} market=${market} isChosen=${market.code === code} />`)}</ul>`}
  </nav>`;
}

/** `children` are buttons beside the name. */
function PriceHead({ market, children }) {
  const { code, warning } = market;
  const name = nameOf(market);
  const ticker = quote(code).value;
  useTitle(ticker?.price ? `${formatFixed(ticker.price, ticker.fraction)} ${name}` : name);
  return html`<section class="price-head" aria-label=${text('price')}>
    <div class="title"><a class="icon-button back" href="#/" aria-label=${text('back')}><${Icon} name="back" /></a>
      <h1>${name}</h1><span class="code">${pairOf(code)}</span>
      ${warning && html`<span class="badge warn" title=${text('warning_hint')}>${text('warning')}</span>`}
      ${ticker?.isSuspended && html`<span class="badge warn">${text('suspended')}</span>`}
      <${Star} code=${code} name=${name} />
      <span class="row">${children}<a class="button quiet small" href=${href('posts', null, { market: code })}>${text('posts')}</a></span></div>
    <p class="now"><strong><${Price} code=${code} /></strong> <span class="unit">KRW</span> <${Change} code=${code} withAmount=${true} /></p>
    <dl>${FIGURES.map(([label, field]) => html`<div key=${label}><dt>${text(label)}</dt><dd><${Figure} code=${code} name=${field} /></dd></div>`)}</dl>
  </section>`;
}

export function Market({ code }) {
  const market = find(code);
  const [shown, setShown] = useState('both');
  useEffect(() => follow(code), [code]);
  if (markets.value === null) return hasFailed.value ? html`<${Failure} error=${{ status: 0 }} onRetry=${load} />` : html`<div class="page"><${Waiting} rows=${6} /></div>`;
  if (!market) return html`<${Empty} icon="markets" title=${text('unknown_room', { room: code })}><a class="button" href="#/">${text('markets')}</a></${Empty}>`;
  return html`<div class="market-page shows-${shown}">
    <${Rail} code=${code} />
    <div class="market-main"><${PriceHead} market=${market}>
        <button type="button" class="quiet small fold" aria-label=${text(shown === 'both' ? 'hide_chart' : 'show_chart')} aria-expanded=${shown === 'both'} onClick=${() => setShown(shown === 'both' ? 'chat' : 'both')}>
          <${Icon} name="chart" size=${18} /></button></${PriceHead}>
      <${CandlePanel} code=${code} /></div>
    <${Chat} code=${code} name=${nameOf(market)} />
  </div>`;
}
