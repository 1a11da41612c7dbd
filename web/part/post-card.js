// A post in a list, and what may be done about it.

import * as api from '../api.js';
import { html, useState } from '../html.js';
import { count } from '../format.js';
import { href, loginHref, go } from '../router.js';
import { me } from '../session.js';
import { text } from '../text.js';
import { plain } from './excerpt.js';
import { Icon } from './icon.js';
import { Ago, Avatar, Name } from './piece.js';
import { sayFailed } from './toast.js';

const EXCERPT_CHARS = 240;

/** A heart with its number: shows at once what was wanted, and the truth when the server has said. */
export function Like({ thing, send, onChange }) {
  const [wanted, setWanted] = useState(null);
  const isLiked = wanted ?? thing.liked_by_me;
  const shown = thing.like_count + (wanted === null || wanted === thing.liked_by_me ? 0 : wanted ? 1 : -1);
  const toggle = async () => {
    if (!me.value) return go(loginHref());
    if (wanted !== null) return undefined;
    setWanted(!isLiked);
    try {
      onChange(await send(thing.id, !isLiked));
    } catch (error) {
      sayFailed(error);
    }
    return setWanted(null);
  };
  return html`<button type="button" class="like" aria-pressed=${isLiked} aria-label=${text('like_count', { count: shown })} onClick=${toggle}>
    <${Icon} name="heart" size=${18} filled=${isLiked} /><span>${count(shown)}</span></button>`;
}

export function Marks({ post }) {
  if (post.tags.length + post.markets.length === 0) return null;
  return html`<p class="marks">${post.markets.map((code) => html`<a key=${code} class="chip market" href=${href('market', code)}>${code}</a>`)}
    ${post.tags.map((tag) => html`<a key=${tag} class="tag" href=${href('posts', null, { tag })}>#${tag}</a>`)}</p>`;
}

export function Byline({ user, at, edited }) {
  return html`<p class="byline"><${Avatar} id=${user.id} name=${user.username} picture=${user.profile_url} size="s" />
    <${Name} user=${user} /><span class="faint"><${Ago} at=${at} />${edited && html` · ${text('edited')}`}</span></p>`;
}

export function PostCard({ post, onChange }) {
  const words = plain(post.content);
  const excerpt = [...words].length > EXCERPT_CHARS ? `${[...words].slice(0, EXCERPT_CHARS).join('')}…` : words;
  return html`<li class="card post-card"><${Byline} user=${post.author} at=${post.created_at} edited=${post.updated_at} />
    <h2><a href=${href('post', post.id)}>${post.title}</a></h2><p class="excerpt">${excerpt}</p><${Marks} post=${post} />
    <p class="deeds"><${Like} thing=${post} send=${api.likePost} onChange=${(like) => onChange({ ...post, ...like })} />
      <a class="quiet-link" href=${href('post', post.id)} aria-label=${text('comments_count', { count: post.comment_count })}><${Icon} name="comment" size=${18} />${count(post.comment_count)}</a>
      <span class="faint" aria-label=${text('views', { count: post.view_count })}><${Icon} name="eye" size=${18} />${count(post.view_count)}</span></p></li>`;
}
