// All markets: the first thing that a visitor sees.

import * as api from '../api.js';
import { html, useState } from '../html.js';
import { busiest, chosen, find, hasFailed, load, markets, nameOf } from '../markets.js';
import { Icon } from '../part/icon.js';
import { MarketRow } from '../part/market-row.js';
import { Empty, Failure, Name, Tabs, Waiting } from '../part/piece.js';
import { favourites } from '../prefs.js';
import { href } from '../router.js';
import { me, server } from '../session.js';
import { text } from '../text.js';
import { useLoaded, useTitle } from '../use.js';
import { count } from '../format.js';

const POPULAR = 5;

export function Search({ value, onInput, label, hint }) {
  return html`<label class="search"><span class="hidden">${label}</span><${Icon} name="search" size=${18} />
    <input type="search" value=${value} placeholder=${hint} autocomplete="off" spellcheck="false" maxlength="40" onInput=${(event) => onInput(event.target.value)} /></label>`;
}

function Head({ name, order, label, onOrder, className = '' }) {
  const isChosen = order.by === name;
  return html`<th scope="col" class=${className} aria-sort=${isChosen ? (order.isUp ? 'ascending' : 'descending') : null}>
    <button type="button" onClick=${() => onOrder(name)}>${label}<span aria-hidden="true">${isChosen ? (order.isUp ? ' ↑' : ' ↓') : ''}</span></button></th>`;
}

function Table({ search, isStarred }) {
  const [order, setOrder] = useState({ by: 'turnover', isUp: false });
  const choose = (by) => setOrder({ by, isUp: order.by === by ? !order.isUp : false });
  const list = chosen(markets.value, { search, order: order.by, isUp: order.isUp, isStarred, starred: favourites.value });
  if (list.length === 0) {
    return isStarred && search === '' ? html`<${Empty} icon="star" title=${text('no_favourites')}><p>${text('no_favourites_hint')}</p></${Empty}>`
      : html`<${Empty} icon="search" title=${text('no_match')} />`;
  }
  const head = { order, onOrder: choose };
  return html`<table class="market-table"><thead><tr><th><span class="hidden">${text('favourites')}</span></th>
      <${Head} ...${head} name="name" label=${text('market')} />
      <${Head} ...${head} name="price" label=${text('price')} className="number" />
      <${Head} ...${head} name="change" label=${text('change')} className="number" />
      <${Head} ...${head} name="turnover" label=${text('turnover')} className="number spare" />
      <th class="spark spare">${text('last_day')}</th><th class="number spare">${text('people_here')}</th></tr></thead>
    <tbody>${list.map((market) => html`<${MarketRow} key=${market.code} market=${market} />`)}</tbody></table>`;
}

function Welcome() {
  if (me.value !== null) return null;
  return html`<section class="welcome"><h1>${text('welcome')}</h1><p>${text('welcome_more')}</p>
    <p class="row"><a class="button" href=${href('signup')}>${text('signup')}</a>
    <a class="button quiet" href=${href('market', 'KRW-BTC')}>${text('look_around')}</a></p></section>`;
}

function Aside() {
  const { data } = useLoaded(() => api.posts({ sort: 'popular', limit: POPULAR }), []);
  const rooms = busiest.value.slice(0, POPULAR);
  return html`<aside class="rail">
    <section class="panel"><h2>${text('popular_posts')}</h2>
      ${data === null ? html`<${Waiting} rows=${POPULAR} kind="line" />` : data.posts.length === 0 ? html`<p class="faint">${text('no_posts')}</p>`
        : html`<ol class="headlines">${data.posts.map((post) => html`<li key=${post.id}><a href=${href('post', post.id)}>${post.title}</a>
          <p class="meta"><${Name} user=${post.author} /><span>${text('likes', { count: count(post.like_count) })}</span><span>${text('comments_count', { count: count(post.comment_count) })}</span></p></li>`)}</ol>`}
      <p><a href=${href('posts')}>${text('all_posts')}</a></p></section>
    <section class="panel"><h2>${text('talking_now')}</h2>
      ${rooms.length === 0 ? html`<p class="faint">${text('nobody_talks')}</p>`
        : html`<ul class="rooms">${rooms.map(({ code, count: people }) => html`<li key=${code}><a href=${href('market', code)}>${nameOf(find(code))}</a>
          <span class="presence"><i />${text('here', { count: people })}</span></li>`)}</ul>`}</section>
  </aside>`;
}

export function Markets() {
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState('all');
  useTitle(null);
  // Whoever is known sees no welcome; what is below it should not jump.
  if (me.value === undefined) return html`<div class="page with-rail"><div><${Waiting} rows=${8} kind="line" /></div></div>`;
  return html`<div class="page with-rail"><div>
    <${Welcome} />
    <div class="head">${me.value === null ? html`<h2>${text('markets')}</h2>` : html`<h1>${text('markets')}</h1>`}
      <${Tabs} label=${text('show')} options=${[['all', text('all')], ['starred', text('favourites')]]} chosen=${shown} onChoose=${setShown} />
      <${Search} value=${search} onInput=${setSearch} label=${text('search')} hint=${text('search_hint')} /></div>
    ${server.value.simulated && html`<p class="hint">${text('simulated_hint')}</p>`}
    ${markets.value === null ? (hasFailed.value ? html`<${Failure} error=${{ status: 0 }} onRetry=${load} />` : html`<${Waiting} rows=${8} kind="line" />`)
      : html`<${Table} search=${search} isStarred=${shown === 'starred'} />`}
  </div><${Aside} /></div>`;
}
