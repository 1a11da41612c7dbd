// Somebody in a list, and the button to follow them.

import * as api from '../api.js';
import { html, useState } from '../html.js';
import { count } from '../format.js';
import { go, loginHref } from '../router.js';
import { me } from '../session.js';
import { text } from '../text.js';
import { Avatar, Name } from './piece.js';
import { sayFailed } from './toast.js';
import { forgetPages } from '../use.js';

export function Follow({ user, onChange }) {
  const [isBusy, setBusy] = useState(false);
  if (user.id === me.value?.id || user.deleted) return null;
  const isFollowed = user.followed_by_me === true;
  const toggle = async () => {
    if (!me.value) return go(loginHref());
    setBusy(true);
    try {
      await api.follow(user.id, !isFollowed);
      forgetPages();
      onChange({ ...user, followed_by_me: !isFollowed, follower_count: user.follower_count + (isFollowed ? -1 : 1) });
    } catch (error) {
      sayFailed(error);
    }
    return setBusy(false);
  };
  return html`<button type="button" class="small ${isFollowed ? 'quiet' : ''}" aria-pressed=${isFollowed} disabled=${isBusy} onClick=${toggle}>${text(isFollowed ? 'unfollow' : 'follow')}</button>`;
}

export function UserRow({ user, onChange }) {
  return html`<li class="user-row"><${Avatar} id=${user.id} name=${user.username} picture=${user.thumbnail_url ?? user.profile_url} size="m" />
    <div><p><${Name} user=${user} /></p><p class="faint one-line">${user.intro || text('followers_count', { count: count(user.follower_count) })}</p></div>
    <${Follow} user=${user} onChange=${onChange} /></li>`;
}
