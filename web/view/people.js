// Finding people.

import * as api from '../api.js';
import { html, useEffect, useState } from '../html.js';
import { Empty, Failure, Pages, Waiting } from '../part/piece.js';
import { UserRow } from '../part/user-row.js';
import { me } from '../session.js';
import { go, href } from '../router.js';
import { text } from '../text.js';
import { useLoaded, usePages, useTitle } from '../use.js';
import { Search } from './markets.js';

const PAUSE_MS = 250;
const WRITERS = 10;

/** People in pages, as the server lists them. */
export function usePeople(load, inputs) {
  const pages = usePages(async (cursor) => {
    const page = await load(cursor);
    return { items: page.users, cursor: page.next_cursor };
  }, inputs);
  const change = (user) => pages.update((items) => items.map((one) => (one.id === user.id ? user : one)));
  return { pages, each: (user) => html`<${UserRow} key=${user.id} user=${user} onChange=${change} />` };
}

/** Nobody is asked for yet: those who write what others like. */
function Writers() {
  const { data, error, reload } = useLoaded(async () => {
    const { posts } = await api.posts({ sort: 'popular', limit: 30 });
    const ids = [...new Set(posts.filter(({ author }) => !author.deleted).map(({ author }) => author.id))].slice(0, WRITERS);
    return Promise.all(ids.map(api.user));
  }, [me.value?.id]);
  if (!data) return error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Waiting} kind="line" />`;
  return html`<${WriterList} users=${data} />`;
}

function WriterList({ users }) {
  const [list, setList] = useState(users);
  const change = (user) => setList(list.map((one) => (one.id === user.id ? user : one)));
  return html`<ul class="user-list">${list.map((user) => html`<${UserRow} key=${user.id} user=${user} onChange=${change} />`)}</ul>`;
}

export function People({ query }) {
  const asked = query.get('q') ?? '';
  const [words, setWords] = useState(asked);
  useTitle(text('people'));
  useEffect(() => {
    const timer = setTimeout(() => {
      if (words.trim() !== asked) go(href('people', null, { q: words.trim() }), { replace: true });
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [words]);
  return html`<div class="page reading"><div class="head"><h1>${text('people')}</h1></div>
    <${Search} value=${words} onInput=${setWords} label=${text('search')} hint=${text('search_people')} />
    ${asked === '' ? html`<${Writers} />` : html`<${Found} asked=${asked} />`}</div>`;
}

function Found({ asked }) {
  const { pages, each } = usePeople((cursor) => api.users({ q: asked, cursor }), [asked, me.value?.id]);
  return html`<${Pages} pages=${pages} each=${each} kind="line" listClass="user-list" empty=${html`<${Empty} icon="people" title=${text('no_people')} />`} />`;
}
