// The entry: the frame around the views, and which of them is shown.

import { html, render, useEffect, useRef } from './html.js';
import * as live from './live.js';
import * as markets from './markets.js';
import { Banner } from './part/banner.js';
import { Header, TabBar } from './part/header.js';
import { later } from './part/later.js';
import { Empty } from './part/piece.js';
import { Toasts } from './part/toast.js';
import * as prefs from './prefs.js';
import * as router from './router.js';
import * as session from './session.js';
import { text } from './text.js';
import { readLink } from './account.js';
import { Markets } from './view/markets.js';

// The list of markets is what most visitors see first. The other views come when they are asked for.
const Account = later(async () => (await import('./view/account.js')).Account);
const Admin = later(async () => (await import('./view/admin.js')).Admin);
const Market = later(async () => (await import('./view/market.js')).Market);
const Notices = later(async () => (await import('./view/notices.js')).Notices);
const People = later(async () => (await import('./view/people.js')).People);
const Person = later(async () => (await import('./view/person.js')).Person);
const Post = later(async () => (await import('./view/post.js')).Post);
const Posts = later(async () => (await import('./view/posts.js')).Posts);
const Settings = later(async () => (await import('./view/settings.js')).Settings);
const Write = later(async () => (await import('./view/write.js')).Write);

/** Timers of a sleeping computer stand still; those of a hidden tab run at least once a minute. */
const SLEPT_MS = 90_000;

/** View by the first part of the address. `key` says when it is another one of its kind. */
const VIEWS = {
  markets: () => html`<${Markets} />`,
  market: ({ id }) => html`<${Market} key=${id} code=${id} />`,
  posts: ({ query }) => html`<${Posts} query=${query} />`,
  post: ({ id }) => html`<${Post} key=${id} id=${id} />`,
  write: ({ id, query }) => html`<${Write} key=${id} id=${id} market=${query.get('market')} />`,
  people: ({ query }) => html`<${People} query=${query} />`,
  user: ({ id, query }) => html`<${Person} key=${id} id=${id} tab=${query.get('tab')} />`,
  notifications: () => html`<${Notices} />`,
  settings: () => html`<${Settings} />`,
  admin: ({ id }) => html`<${Admin} tab=${id} />`,
  ...Object.fromEntries(['login', 'signup', 'forgot', 'reset'].map((mode) =>
    [mode, ({ query }) => html`<${Account} key=${mode} mode=${mode} query=${query} />`])),
};

function View() {
  const route = router.route.value;
  const main = useRef(null);
  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current) isFirst.current = false;
    else {
      scrollTo(0, 0);
      main.current.focus({ preventScroll: true });
    }
  }, [route.name, route.id]);
  const view = VIEWS[route.name];
  return html`<main id="main" ref=${main} tabindex="-1" class="view-${route.name}">
    ${view ? view(route) : html`<${Empty} icon="search" title=${text('not_found')}><a href="#/">${text('markets')}</a></${Empty}>`}
  </main>`;
}

/** Where the link of a mail has led. Its token does not stay in the address, where others could read it. */
function followLink() {
  const link = readLink(location);
  if (link === null) return;
  if (link.token) session.resetToken.value = link.token;
  else session.notice.value = link.notice;
  history.replaceState(null, '', `/${link.token ? '#/reset' : '#/login'}`);
  router.route.value = router.parse(location.hash);
}

function App() {
  const name = router.route.value.name;
  useEffect(() => {
    document.body.dataset.view = name;
  }, [name]);
  return html`
    <a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById('main').focus(); }}>${text('skip')}</a>
    <${Header} />
    <${Banner} />
    <${View} />
    <${TabBar} />
    <${Toasts} />`;
}

function watchForSleep() {
  let before = Date.now();
  setInterval(() => {
    const slept = Date.now() - before > SLEPT_MS;
    before = Date.now();
    if (slept) live.cut();
  }, 5_000);
}

prefs.apply(document.documentElement);
router.follow();
followLink();
addEventListener('hashchange', followLink);
addEventListener('online', () => {
  live.hurry();
  session.notifications.hurry();
});
watchForSleep();
document.body.replaceChildren();
render(html`<${App} />`, document.body);
session.start();
markets.keepFresh();
