// Somebody: what they tell of themselves, what they wrote, whom they follow.

import * as api from '../api.js';
import { html } from '../html.js';
import { count, date } from '../format.js';
import { Avatar, Empty, Failure, Pages, Tabs, Waiting } from '../part/piece.js';
import { PostCard } from '../part/post-card.js';
import { Follow } from '../part/user-row.js';
import { href } from '../router.js';
import { me } from '../session.js';
import { text } from '../text.js';
import { useLoaded, usePages, useTitle } from '../use.js';
import { usePeople } from './people.js';

function Theirs({ id }) {
  const key = `person ${id} ${me.value?.id}`;
  const pages = usePages(async (cursor) => {
    const page = await api.posts({ author: id, cursor });
    return { items: page.posts, cursor: page.next_cursor };
  }, [key], key);
  const change = (post) => pages.update((items) => items.map((one) => (one.id === post.id ? post : one)));
  return html`<${Pages} pages=${pages} empty=${html`<${Empty} icon="posts" title=${text('no_posts')} />`} each=${(post) => html`<${PostCard} key=${post.id} post=${post} onChange=${change} />`} />`;
}

function Others({ id, tab }) {
  const load = tab === 'followers' ? api.followers : api.following;
  const { pages, each } = usePeople((cursor) => load(id, { cursor }), [id, tab]);
  return html`<${Pages} pages=${pages} each=${each} kind="line" listClass="user-list" empty=${html`<${Empty} icon="people" title=${text('no_people')} />`} />`;
}

function Details({ user }) {
  const told = [['region', user.region], ['birth_year', user.birth_year]].filter(([, value]) => value);
  return html`${user.intro && html`<p class="intro">${user.intro}</p>`}
    <dl class="details">${told.map(([name, value]) => html`<div key=${name}><dt>${text(name)}</dt><dd>${value}</dd></div>`)}
      <div><dt>${text('since')}</dt><dd>${date(Date.parse(user.created_at))}</dd></div></dl>
    ${user.interests?.length > 0 && html`<p class="marks">${user.interests.map((one) => html`<span key=${one} class="tag">${one}</span>`)}</p>`}`;
}

export function Person({ id, tab }) {
  const { data: user, error, reload, set } = useLoaded(() => api.user(id), [id, me.value?.id]);
  useTitle(user?.username ?? text('people'));
  if (!user) return html`<div class="page reading">${error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Waiting} rows=${2} />`}</div>`;
  if (user.deleted) return html`<${Empty} icon="people" title=${text('nobody')} />`;
  const chosen = ['followers', 'following'].includes(tab) ? tab : 'posts';
  const options = [['posts', text('posts')], ['followers', text('followers_count', { count: count(user.follower_count) })], ['following', text('following_count', { count: count(user.following_count) })]];
  return html`<div class="page reading"><header class="person"><${Avatar} id=${id} name=${user.username} picture=${user.profile_url} size="l" />
      <div><h1><bdi>${user.username}</bdi></h1><${Details} user=${user} /></div>
      ${user.id === me.value?.id ? html`<a class="button quiet small" href=${href('settings')}>${text('edit_profile')}</a>` : html`<${Follow} user=${user} onChange=${(next) => set(() => next)} />`}</header>
    <${Tabs} label=${text('show')} options=${options} chosen=${chosen} hrefOf=${(name) => href('user', id, { tab: name })} />
    ${chosen === 'posts' ? html`<${Theirs} id=${id} />` : html`<${Others} key=${chosen} id=${id} tab=${chosen} />`}</div>`;
}
