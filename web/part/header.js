// The frame: where one can go, and who one is.

import { html } from '../html.js';
import { href, loginHref, route } from '../router.js';
import { isAdmin, logout, me, news, server } from '../session.js';
import { text } from '../text.js';
import { Icon } from './icon.js';
import { Avatar, Menu } from './piece.js';

const PLACES = [['markets', ['markets', 'market']], ['posts', ['posts', 'post', 'write']], ['people', ['people', 'user']]];

const Links = () => PLACES.map(([name, views]) => html`<a key=${name} href=${name === 'markets' ? '#/' : href(name)}
  aria-current=${views.includes(route.value.name) ? 'page' : null}><${Icon} name=${name} /><span>${text(name)}</span></a>`);

function Bell() {
  const { unread } = news.value;
  const label = unread > 0 ? text('notifications_unread', { count: unread }) : text('notifications');
  return html`<a class="icon-button bell" href=${href('notifications')} aria-label=${label} aria-current=${route.value.name === 'notifications' ? 'page' : null}>
    <${Icon} name="bell" size=${22} />${unread > 0 && html`<span class="count" aria-hidden="true">${unread > 99 ? '99+' : unread}</span>`}</a>`;
}

function Mine() {
  const { id, username, thumbnail_url: thumbnail, profile_url: picture } = me.value;
  const deeds = [
    { label: text('my_page'), href: href('user', id) },
    { label: text('settings'), href: href('settings') },
    isAdmin() && { label: text('admin'), href: href('admin') },
    { label: text('logout'), onChoose: logout },
  ];
  return html`<${Bell} /><${Menu} label=${text('account_of', { name: username })} deeds=${deeds} buttonClass="me-button">
    <${Avatar} id=${id} name=${username} picture=${thumbnail ?? picture} size="s" /></${Menu}>`;
}

function Account() {
  if (me.value === undefined) return html`<span class="me-place" />`;
  if (me.value) return html`<${Mine} />`;
  return html`<a class="icon-button" href=${href('settings')} aria-label=${text('settings')}><${Icon} name="settings" size=${22} /></a>
    <a class="button quiet small wide-only" href=${href('signup')}>${text('signup')}</a>
    <a class="button small" href=${loginHref()}>${text('login')}</a>`;
}

export function Header() {
  return html`<header class="bar">
    <a class="brand" href="#/"><img src="/assets/icon.svg" alt="" width="28" height="28" /><span>Tickroom</span></a>
    ${server.value.simulated && html`<span class="badge" title=${text('simulated_hint')}>${text('simulated')}</span>`}
    <nav class="places" aria-label=${text('places')}><${Links} /></nav>
    <div class="account"><${Account} /></div>
  </header>`;
}

/** The same places under the thumb of who holds a phone. */
export function TabBar() {
  return html`<nav class="tab-bar" aria-label=${text('places')}><${Links} /></nav>`;
}
