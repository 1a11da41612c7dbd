// The lines of a conversation.

import { html } from '../html.js';
import { clock, day, moment } from '../format.js';
import { href } from '../router.js';
import { refusalText, text } from '../text.js';
import { ChatText, names } from './chat-text.js';
import { Icon } from './icon.js';
import { Avatar } from './piece.js';

export function Line({ row, me, deeds }) {
  if (row.kind === 'day') return html`<li class="day" data-key=${row.key}><span>${row.day}</span></li>`;
  if (row.kind === 'unread') return html`<li class="unread" data-key=${row.key}><span>${text('unread_from_here')}</span></li>`;
  if (row.kind === 'pending') return html`<${Pending} row=${row} me=${me} deeds=${deeds} />`;
  return html`<${Message} row=${row} me=${me} deeds=${deeds} />`;
}

function Message({ row, me, deeds }) {
  const { message, isGrouped, isMine, isUnstored } = row;
  const { sender, content, at } = message;
  const isForMe = !isMine && names(content, me?.username);
  const marks = ['message', isGrouped && 'grouped', isMine && 'mine', isForMe && 'for-me', isUnstored && 'unstored'];
  return html`<li class=${marks.filter(Boolean).join(' ')} data-key=${row.key} data-offset=${message.offset} tabindex="-1">
    ${isGrouped ? html`<time class="aside" aria-hidden="true">${clock(at)}</time>`
      : html`<a class="face" href=${href('user', sender.id)} tabindex="-1" aria-hidden="true"><${Avatar} ...${sender} size="m" /></a>`}
    <div class="body">
      <p class=${isGrouped ? 'hidden' : 'who'}><a href=${href('user', sender.id)} tabindex="-1"><bdi>${sender.name}</bdi></a>
        ${isMine && html`<span class="you">${text('you')}</span>`}<time title=${moment(at)}>${clock(at)}</time></p>
      <${ChatText} content=${content} me=${me?.username} />
      ${isUnstored && html`<p class="state">${text('sending')}</p>`}
    </div>
    ${deeds && html`<div class="deeds"><button type="button" class="icon-button" tabindex="-1" aria-label=${text('reply_to', { name: sender.name })} title=${text('reply')} onClick=${() => deeds.reply(message)}><${Icon} name="reply" size=${18} /></button></div>`}
  </li>`;
}

function Pending({ row, me, deeds }) {
  const { id, content, state, refusal } = row.entry;
  const words = state === 'failed' ? `${text('failed')} ${refusal ? refusalText(refusal) : ''}`
    : refusal ? `${refusalText(refusal)} ${text('trying_again')}` : text(state === 'waiting' ? 'unsent' : 'sending');
  return html`<li class="message mine pending ${state}" data-key=${row.key}>
    <span class="face"><${Avatar} id=${me.id} name=${me.username} picture=${me.thumbnail_url ?? me.profile_url} size="m" /></span>
    <div class="body"><p class="who"><bdi>${me.username}</bdi><span class="you">${text('you')}</span></p>
      <${ChatText} content=${content} me=${me.username} />
      <p class="state" role=${state === 'failed' ? 'alert' : null}>${words}
        ${state === 'failed' && html`<button type="button" class="link" onClick=${() => deeds.retry(id)}>${text('retry')}</button>
          <button type="button" class="link" onClick=${() => deeds.discard(id)}>${text('discard')}</button>`}</p></div>
  </li>`;
}

export { day as dayOf };
