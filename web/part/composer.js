// Where a message is written: a draft that stays, names that are completed, and a count when it gets long.

import { html, useEffect, useRef, useState } from '../html.js';
import { drafts } from '../store.js';
import { text } from '../text.js';
import { useGrowth } from '../use.js';
import { replyTo } from './chat-text.js';
import { Icon } from './icon.js';
import { Avatar } from './piece.js';

const CHARS_MAX = 2_000;
const WARN_FROM = 1_800;
const HEIGHT_MAX_PX = 160;
const SUGGESTED = 6;

const lengthOf = (words) => [...words.trim()].length;

/** What is being typed behind an `@` right before the caret. */
function namePart(node) {
  const match = /(?:^|\s)@([\p{L}\p{N}_.-]{0,20})$/u.exec(node.value.slice(0, node.selectionStart));
  return match ? match[1] : null;
}

function useSuggestions(people) {
  const [part, setPart] = useState(null);
  const [chosen, setChosen] = useState(0);
  const written = part?.toLowerCase();
  // Who is written out already needs no completing: Enter sends.
  const isMeant = (name) => name.startsWith(written) && name !== written;
  const found = part === null ? [] : people.filter(({ name }) => isMeant(name.toLowerCase())).slice(0, SUGGESTED);
  return { part, found, chosen: Math.min(chosen, found.length - 1), setChosen, look: (node) => { setPart(namePart(node)); setChosen(0); }, close: () => setPart(null) };
}

export function Composer({ room, name, people, reply, onReplyEnd, onSay }) {
  const place = `${room.me.id}:${room.name}`;
  const [words, setWords] = useState(() => drafts.get(place));
  const input = useGrowth(words, HEIGHT_MAX_PX);
  const names = useSuggestions(people);
  const whole = reply ? replyTo(reply, words.trim()) : words.trim();
  const over = lengthOf(whole) - CHARS_MAX;
  const left = -over;
  useEffect(() => {
    if (reply) input.current.focus();
  }, [reply]);
  const write = (value) => {
    setWords(value);
    drafts.set(place, value);
  };
  const submit = (event) => {
    event?.preventDefault();
    if (words.trim() === '' || over > 0) return;
    onSay(whole);
    write('');
    onReplyEnd();
    input.current.focus();
  };
  const complete = (person) => {
    const node = input.current;
    const begin = node.selectionStart - names.part.length;
    const value = `${words.slice(0, begin)}${person.name} ${words.slice(node.selectionStart)}`;
    write(value);
    names.close();
    requestAnimationFrame(() => node.setSelectionRange(begin + person.name.length + 1, begin + person.name.length + 1));
    node.focus();
  };
  const onKeyDown = (event) => {
    // While a syllable is being composed, Enter belongs to the input method.
    if (event.isComposing || event.keyCode === 229) return;
    if (names.found.length > 0 && suggestionKey(event, names, complete)) return;
    if (event.key === 'Enter' && !event.shiftKey) submit(event);
    else if (event.key === 'Escape' && reply) onReplyEnd();
    else if (event.key === 'ArrowUp' && words === '') {
      event.preventDefault();
      [...document.querySelectorAll('.log li.message')].at(-1)?.focus();
    }
  };
  return html`<form class="composer" onSubmit=${submit}>
    ${names.found.length > 0 && html`<ul class="suggestions" role="listbox" id="names" aria-label=${text('people')}>${names.found.map((person, at) => html`<li key=${person.id} id="name-${at}" role="option" aria-selected=${at === names.chosen}
      onPointerDown=${(event) => { event.preventDefault(); complete(person); }}><${Avatar} ...${person} size="s" />${person.name}</li>`)}</ul>`}
    ${reply && html`<div class="replying"><${Icon} name="reply" size=${16} /><p>${text('replying_to', { name: reply.sender.name })}</p>
      <button type="button" class="icon-button" aria-label=${text('cancel')} onClick=${onReplyEnd}><${Icon} name="close" size=${16} /></button></div>`}
    <div class="writing">
      <label class="hidden" for="message">${text('message')}</label>
      <textarea id="message" ref=${input} rows="1" value=${words} placeholder=${text('message_hint', { room: name })} enterkeyhint="send" autocomplete="off"
        aria-describedby="message-count" aria-autocomplete="list" aria-controls=${names.found.length > 0 ? 'names' : null}
        aria-activedescendant=${names.found.length > 0 ? `name-${names.chosen}` : null}
        onInput=${(event) => { write(event.target.value); names.look(event.target); }} onKeyDown=${onKeyDown} onBlur=${names.close} />
      <button type="submit" class="send" disabled=${words.trim() === '' || over > 0}>${text('send')}</button></div>
    <p id="message-count" class="count ${over > 0 ? 'mistake' : ''}" role="status">${over > 0 ? text('too_long', { over }) : left <= CHARS_MAX - WARN_FROM ? text('left', { left }) : ''}</p>
  </form>`;
}

function suggestionKey(event, names, complete) {
  const { found, chosen, setChosen, close } = names;
  const deeds = {
    ArrowDown: () => setChosen((chosen + 1) % found.length),
    ArrowUp: () => setChosen((chosen + found.length - 1) % found.length),
    Enter: () => complete(found[chosen]),
    Tab: () => complete(found[chosen]),
    Escape: close,
  };
  if (!deeds[event.key]) return false;
  event.preventDefault();
  deeds[event.key]();
  return true;
}
