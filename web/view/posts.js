// Posts: of those whom one follows, or of everybody; by tag, market or words.

import * as api from '../api.js';
import { html, useState } from '../html.js';
import { Icon } from '../part/icon.js';
import { Empty, Pages, Tabs } from '../part/piece.js';
import { PostCard } from '../part/post-card.js';
import { go, href } from '../router.js';
import { me } from '../session.js';
import { text } from '../text.js';
import { useLoaded, usePages, useTitle } from '../use.js';
import { Search } from './markets.js';

const TAGS = 20;

function Tags({ chosen }) {
  const { data } = useLoaded(() => api.tags({ limit: TAGS }), []);
  if (!data || data.tags.length === 0) return null;
  return html`<aside class="rail"><section class="panel"><h2>${text('tags')}</h2>
    <p class="marks">${data.tags.map(({ name, post_count: posts }) => html`<a key=${name} class="tag" aria-current=${name === chosen ? 'true' : null} href=${href('posts', null, { tag: name })}>#${name} <span class="faint">${posts}</span></a>`)}</p></section></aside>`;
}

function Nothing({ isTimeline }) {
  return html`<${Empty} icon="posts" title=${text(isTimeline ? 'no_timeline' : 'no_posts')}>
    ${isTimeline ? html`<a class="button" href=${href('people')}>${text('find_people')}</a>` : html`<a class="button" href=${href('write')}>${text('write_first')}</a>`}</${Empty}>`;
}

export function Posts({ query }) {
  const [tag, market, q] = ['tag', 'market', 'q'].map((name) => query.get(name) ?? '');
  const isFiltered = Boolean(tag || market || q);
  const asked = query.get('show');
  const shown = asked === 'following' && !me.value ? 'latest' : asked ?? (me.value && !isFiltered ? 'following' : 'latest');
  const isTimeline = shown === 'following';
  const key = `posts ${me.value?.id} ${shown} ${tag} ${market} ${q}`;
  const load = async (cursor) => {
    const sort = shown === 'popular' ? 'popular' : 'latest';
    const page = isTimeline ? await api.timeline({ cursor }) : await api.posts({ sort, tag, market, q, cursor });
    return { items: page.posts, cursor: page.next_cursor };
  };
  const pages = usePages(load, [key], key);
  const [words, setWords] = useState(q);
  useTitle(text('posts'));
  const options = [me.value && !isFiltered && ['following', text('following')], ['latest', text('latest_posts')], ['popular', text('popular')]].filter(Boolean);
  const change = (post) => pages.update((items) => items.map((one) => (one.id === post.id ? post : one)));
  return html`<div class="page with-rail"><div>
    <div class="head"><h1>${text('posts')}</h1>
      <${Tabs} label=${text('show')} options=${options} chosen=${shown} hrefOf=${(show) => href('posts', null, { show, tag, market, q })} />
      <a class="button small" href=${href('write', null, { market })} aria-label=${text('write')}><${Icon} name="pen" size=${18} /><span class="wide-only">${text('write')}</span></a></div>
    <form role="search" onSubmit=${(event) => { event.preventDefault(); go(href('posts', null, { q: words.trim(), tag, market, show: isTimeline ? 'latest' : shown })); }}>
      <${Search} value=${words} onInput=${setWords} label=${text('search')} hint=${text('search_posts')} /></form>
    ${isFiltered && html`<p class="filter">${[tag && `#${tag}`, market, q && `“${q}”`].filter(Boolean).join(' · ')} <a href=${href('posts')}>${text('show_all')}</a></p>`}
    <${Pages} pages=${pages} empty=${html`<${Nothing} isTimeline=${isTimeline} />`} each=${(post) => html`<${PostCard} key=${post.id} post=${post} onChange=${change} />`} />
  </div><${Tags} chosen=${tag} /></div>`;
}
