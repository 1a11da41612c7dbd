// One post, and what people say to it.

import * as api from '../api.js';
import { html, useEffect, useState } from '../html.js';
import { Comments } from '../part/comments.js';
import { Icon } from '../part/icon.js';
import { Markdown } from '../part/markdown.js';
import { Confirm, Failure, Menu, Waiting } from '../part/piece.js';
import { Byline, Like, Marks } from '../part/post-card.js';
import { sayFailed } from '../part/toast.js';
import { count } from '../format.js';
import { go, href } from '../router.js';
import { isAdmin, me } from '../session.js';
import { text } from '../text.js';
import { forgetPages, useLoaded, useTitle } from '../use.js';

export function Post({ id }) {
  const { data: post, error, reload, set } = useLoaded(() => api.post(id), [id, me.value?.id]);
  const [isAsking, setAsking] = useState(false);
  useTitle(post?.title ?? text('posts'));
  useEffect(() => {
    // Whether a look is counted is no concern of who looks.
    api.viewPost(id).catch(() => {});
  }, [id]);
  if (!post) return html`<div class="page reading">${error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Waiting} rows=${2} />`}</div>`;
  const isMine = post.author.id === me.value?.id;
  const remove = async () => {
    try {
      await api.deletePost(id);
      forgetPages();
      go(href('posts'));
    } catch (refused) {
      sayFailed(refused);
    }
  };
  const deeds = [isMine && { label: text('edit'), href: href('write', id) }, { label: text('delete'), isDangerous: true, onChoose: () => setAsking(true) }];
  return html`<div class="page reading">
    <a class="quiet-link" href=${href('posts')}><${Icon} name="back" size=${18} />${text('posts')}</a>
    <article class="post"><header class="row between"><${Byline} user=${post.author} at=${post.created_at} edited=${post.updated_at} />
        ${(isMine || isAdmin()) && html`<${Menu} label=${text('more')} deeds=${deeds} />`}</header>
      <h1>${post.title}</h1><${Markdown} source=${post.content} /><${Marks} post=${post} />
      <p class="deeds"><${Like} thing=${post} send=${api.likePost} onChange=${(like) => { forgetPages(); set((known) => ({ ...known, ...like })); }} />
        <span class="faint"><${Icon} name="eye" size=${18} />${text('views', { count: count(post.view_count) })}</span></p></article>
    <${Comments} post=${post} onCount=${(by) => set((known) => ({ ...known, comment_count: known.comment_count + by }))} />
    ${isAsking && html`<${Confirm} question=${text('delete_post')} action=${text('delete')} onYes=${remove} onNo=${() => setAsking(false)} />`}
  </div>`;
}
