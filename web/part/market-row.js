// Markets in a list.

import { html } from '../html.js';
import { follow, members, nameOf, pairOf } from '../markets.js';
import { favourites, toggleFavourite } from '../prefs.js';
import { href } from '../router.js';
import { text } from '../text.js';
import { useSight } from '../use.js';
import { Icon } from './icon.js';
import { Change, Price, Turnover } from './price.js';
import { Sparkline } from './sparkline.js';

export function Star({ code, name }) {
  const isStarred = favourites.value.has(code);
  return html`<button type="button" class="star" aria-pressed=${isStarred} aria-label=${text('favourite', { name })} onClick=${() => toggleFavourite(code)}>
    <${Icon} name="star" size=${18} filled=${isStarred} /></button>`;
}

/** A line of the large list; its price is followed while it can be seen. */
export function MarketRow({ market }) {
  const { code, warning } = market;
  const node = useSight(() => follow(code), [code]);
  const name = nameOf(market);
  const here = members.value.get(code) ?? 0;
  return html`<tr ref=${node}>
    <td class="star-cell"><${Star} code=${code} name=${name} /></td>
    <th scope="row"><a href=${href('market', code)}><span class="market-name">${name}</span>
      <span class="code">${pairOf(code)}</span></a>${warning && html`<span class="badge warn" title=${text('warning_hint')}>${text('warning')}</span>`}</th>
    <td class="number"><${Price} code=${code} /></td>
    <td class="number"><${Change} code=${code} /></td>
    <td class="number spare"><${Turnover} code=${code} /></td>
    <td class="spark spare"><${Sparkline} code=${code} /></td>
    <td class="number here spare">${here > 0 ? html`<span class="presence"><i />${here}<span class="hidden"> ${text('people_here')}</span></span>` : ''}</td>
  </tr>`;
}

/** A line of the narrow list beside a market. */
export function MarketLink({ market, isChosen }) {
  const { code } = market;
  const node = useSight(() => follow(code), [code], '50px');
  return html`<li ref=${node}><a href=${href('market', code)} aria-current=${isChosen ? 'page' : null}>
    <span class="market-name">${nameOf(market)}</span><span class="number"><${Price} code=${code} /></span>
    <span class="code">${pairOf(code)}</span><span class="number small"><${Change} code=${code} /></span></a></li>`;
}
