// What one is told of.

import { html, useEffect } from '../html.js';
import { Icon } from '../part/icon.js';
import { Ago, Avatar, Empty, Waiting } from '../part/piece.js';
import { go, href, loginHref } from '../router.js';
import { me, news, notifications } from '../session.js';
import { text } from '../text.js';
import { useTitle } from '../use.js';

/** Where a notification leads. */
export function placeOf({ target, actor }) {
  if (target.room) return href('market', target.room);
  if (target.post_id) return href('post', target.post_id);
  return href('user', actor.id);
}

function Notice({ one }) {
  const { id, actor, read_at: readAt } = one;
  return html`<li class="notice-row ${readAt ? '' : 'fresh'}"><${Avatar} id=${actor.id} name=${actor.username ?? actor.name} picture=${actor.profile_url ?? actor.profileUrl} size="m" />
    <a href=${placeOf(one)} onClick=${() => notifications.read(id)}><span>${one.text}</span>
      <span class="faint small"><${Ago} at=${one.created_at} />${!readAt && html`<span class="hidden"> ${text('unread')}</span>`}</span></a>
    <button type="button" class="icon-button" aria-label=${text('delete')} onClick=${() => notifications.remove(id)}><${Icon} name="close" size=${18} /></button></li>`;
}

export function Notices() {
  const { list, unread, cursor, loading } = news.value;
  useTitle(text('notifications'));
  useEffect(() => {
    if (me.value === null) go(loginHref(), { replace: true });
  }, [me.value]);
  return html`<div class="page reading"><div class="head"><h1>${text('notifications')}</h1>
      ${unread > 0 && html`<button type="button" class="quiet small" onClick=${() => notifications.readAll()}>${text('notifications_read')}</button>`}</div>
    ${list.length === 0 ? (loading === 'loading' ? html`<${Waiting} kind="line" />`
      : loading === 'failed' ? html`<${Empty} icon="offline" title=${text('notifications_failed')}><button type="button" onClick=${() => notifications.reload()}>${text('retry')}</button></${Empty}>`
        : html`<${Empty} icon="bell" title=${text('notifications_none')}><p>${text('notifications_none_hint')}</p></${Empty}>`)
      : html`<ul class="notice-list">${list.map((one) => html`<${Notice} key=${one.id} one=${one} />`)}</ul>`}
    ${cursor !== null && html`<button type="button" class="quiet wide" onClick=${() => notifications.more()}>${text('more')}</button>`}</div>`;
}
