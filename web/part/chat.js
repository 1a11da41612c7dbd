// The conversation of a room: who is there, what was said, and where to say something.

import * as api from '../api.js';
import { html, useEffect, useRef, useState } from '../html.js';
import * as live from '../live.js';
import { members } from '../markets.js';
import { Room } from '../room.js';
import { href, loginHref } from '../router.js';
import { me, refresh } from '../session.js';
import { keptStore, tabStore } from '../store.js';
import { text } from '../text.js';
import { oncePerFrame } from './candle-chart.js';
import { ChatLog } from './chat-log.js';
import { Composer } from './composer.js';
import { Avatar } from './piece.js';

/** A name for a message. `randomUUID` exists only where the page came over https or from this very machine. */
export function makeId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The code of a subscription that is refused to whoever this is. */
const NOT_FOR_US = 103;

function useRoom(name) {
  const [version, draw] = useState(0);
  const [room, setRoom] = useState(null);
  const who = me.value;
  useEffect(() => {
    if (who === undefined) return undefined;
    const onChange = oncePerFrame(() => draw((times) => times + 1));
    const made = new Room({
      name, me: who, live, loadHistory: api.messages, storage: tabStore, onChange, makeId, isVisible: () => !document.hidden,
      // Perhaps nobody is logged in any more.
      onRefused: ({ code }) => code === NOT_FOR_US && refresh(),
    });
    made.open();
    setRoom(made);
    return () => made.close();
  }, [name, who?.id]);
  return [room, version];
}

/** Up to where this visitor has read: what it was when the room was opened, and how to move it on. */
function useRead(room) {
  const key = `read:${room.me?.id ?? ''}:${room.name}`;
  const [readUpTo] = useState(() => Number(keptStore.getItem(key)) || null);
  const told = useRef(readUpTo ?? 0);
  const onRead = (offset) => {
    if (offset <= told.current) return;
    told.current = offset;
    keptStore.setItem(key, String(offset));
  };
  return [readUpTo, onRead];
}

/** A `version` is a prop that changes with the room, which stays the same object. */
function Conversation({ room, name, version }) {
  const [reply, setReply] = useState(null);
  const [showsPeople, setShowsPeople] = useState(false);
  const toEnd = useRef(() => {});
  const [readUpTo, onRead] = useRead(room);
  // The server counts with some delay; oneself one knows of.
  const count = Math.max(room.members ?? members.value.get(room.name) ?? 0, room.isJoined ? 1 : 0);
  useEffect(() => {
    if (showsPeople && room.me) room.loadPeople();
  }, [showsPeople]);
  const deeds = room.me && { reply: setReply, retry: (id) => room.retry(id), discard: (id) => room.discard(id) };
  const say = (content) => {
    room.say(content);
    toEnd.current();
  };
  return html`<header class="chat-head"><h2>${text('chat')}</h2>
      <button type="button" class="quiet small presence" aria-expanded=${showsPeople} disabled=${!room.me} onClick=${() => setShowsPeople(!showsPeople)}><i />${text('here', { count })}</button></header>
    ${showsPeople && html`<${Here} people=${room.people} />`}
    <${ChatLog} room=${room} version=${version} readUpTo=${readUpTo} deeds=${deeds} onRead=${onRead} endRef=${toEnd} />
    ${room.me ? html`<${Composer} room=${room} name=${name} people=${known(room)} reply=${reply} onReplyEnd=${() => setReply(null)} onSay=${say} />`
      : html`<div class="gate"><p>${text('login_to_chat')}</p><p class="row"><a class="button small" href=${loginHref()}>${text('login')}</a>
        <a class="button quiet small" href=${href('signup')}>${text('signup')}</a></p></div>`}`;
}

/** Who may be meant by an `@`: who is there and who spoke lately. */
function known(room) {
  const senders = room.list.window().map(({ sender }) => sender).reverse();
  const byId = new Map([...(room.people ?? []), ...senders].map((person) => [person.id, person]));
  byId.delete(room.me.id);
  return [...byId.values()];
}

function Here({ people }) {
  if (people === null) return html`<p class="here-list faint">${text('loading')}</p>`;
  return html`<ul class="here-list" aria-label=${text('people_here')}>${people.map((person) => html`<li key=${person.id}><a href=${href('user', person.id)}>
    <${Avatar} ...${person} size="s" /><bdi>${person.name}</bdi></a></li>`)}</ul>`;
}

export function Chat({ code, name }) {
  const [room, version] = useRoom(code);
  return html`<section class="chat" aria-label=${text('chat')}>
    ${room && room.name === code ? html`<${Conversation} key=${`${code} ${room.me?.id}`} room=${room} name=${name} version=${version} />` : html`<div class="log-place" />`}
  </section>`;
}
