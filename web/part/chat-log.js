// The conversation as a window over its lines: so many of them are in the page, and scrolling moves the window. A line
// that one looks at stays where it is, whatever comes above or below it.

import { html, useEffect, useLayoutEffect, useRef, useState } from '../html.js';
import { rowsOf } from '../rows.js';
import { text } from '../text.js';
import { dayOf, Line } from './chat-line.js';
import { Icon } from './icon.js';
import { Empty, Waiting } from './piece.js';

/** So near to an edge, the window moves or older lines are asked for. */
const EDGE_PX = 400;
const STEP = 60;
const AT_END_PX = 40;

/** Where the window ends, what keeps its place on the screen, and the way to the end. */
function useWindow(room) {
  const scroller = useRef(null);
  const [end, setEnd] = useState(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const anchor = useRef('end');
  const shown = room.list.window(end);

  const remember = () => {
    const node = scroller.current;
    const isLast = node.scrollHeight - node.scrollTop - node.clientHeight < AT_END_PX;
    anchor.current = end === null && isLast ? 'end' : firstVisible(node);
    setAtEnd(anchor.current === 'end');
    // What comes now must not push the window away from what is being read.
    if (anchor.current !== 'end' && end === null) setEnd(room.list.newest ?? null);
  };
  const move = () => {
    const node = scroller.current;
    if (shown.length === 0) return;
    const [first, last] = [shown[0].offset, shown.at(-1).offset];
    if (node.scrollTop < EDGE_PX && anchor.current !== 'end') {
      if (first > room.list.oldest) setEnd(room.list.step(last, -STEP));
      else if (room.list.hasOlder && !room.list.isFull && room.history === null) room.loadOlder();
    } else if (end !== null && node.scrollHeight - node.scrollTop - node.clientHeight < EDGE_PX) {
      const next = room.list.step(last, STEP);
      if (next >= room.list.newest) setEnd(null);
      else if (next !== last) setEnd(next);
    }
  };
  useLayoutEffect(() => {
    const node = scroller.current;
    if (anchor.current === 'end') node.scrollTop = node.scrollHeight;
    else {
      const row = node.querySelector(`[data-key="${CSS.escape(anchor.current.key)}"]`);
      if (row) node.scrollTop += row.getBoundingClientRect().top - node.getBoundingClientRect().top - anchor.current.top;
    }
    move();
    // A room that does not fill its place has no edge to scroll to.
    if (node.scrollHeight <= node.clientHeight && room.list.hasOlder && room.history === null) room.loadOlder();
  });
  useEffect(() => {
    const keep = new ResizeObserver(() => {
      if (anchor.current === 'end' && scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
    });
    keep.observe(scroller.current);
    return () => keep.disconnect();
  }, []);
  const toEnd = () => {
    anchor.current = 'end';
    setAtEnd(true);
    setEnd(null);
    scroller.current.scrollTop = scroller.current.scrollHeight;
  };
  const onScroll = () => {
    remember();
    move();
  };
  return { scroller, shown, end, isAtEnd, toEnd, onScroll };
}

/** The first message in sight, and where it is. Days and marks do not count: they move with the window. */
function firstVisible(node) {
  const { top } = node.getBoundingClientRect();
  for (const row of node.querySelectorAll('.message')) {
    const box = row.getBoundingClientRect();
    if (box.bottom > top) return { key: row.dataset.key, top: box.top - top };
  }
  return 'end';
}

/** The line behind which nothing had been read when the room was opened. */
function withUnread(rows, readUpTo, me) {
  if (readUpTo === null) return rows;
  const at = rows.findIndex(({ kind, message }) => kind === 'message' && message.offset > readUpTo && message.sender.id !== me?.id);
  return at <= 0 ? rows : [...rows.slice(0, at), { kind: 'unread', key: 'unread' }, ...rows.slice(at)];
}

export function ChatLog({ room, version, readUpTo, deeds, onRead, endRef }) {
  const { scroller, shown, end, isAtEnd, toEnd, onScroll } = useWindow(room);
  endRef.current = toEnd;
  const { me } = room;
  const rows = withUnread(rowsOf({
    messages: shown,
    pending: end === null ? room.pending : [],
    me,
    isUnstored: (offset) => room.isUnstored(offset),
    dayOf,
  }), readUpTo, me);
  const { newest } = room.list;
  useEffect(() => {
    if (isAtEnd && newest !== undefined && !document.hidden) onRead(newest);
  });
  const fresh = isAtEnd ? 0 : room.list.after(end ?? newest);
  const onKeyDown = (event) => {
    const row = event.target.closest?.('li.message');
    if (!row) return;
    const step = { ArrowUp: 'previousElementSibling', ArrowDown: 'nextElementSibling' }[event.key];
    if (step) {
      let next = row[step];
      while (next && !next.matches('li.message')) next = next[step];
      next?.focus();
      event.preventDefault();
    } else if (event.key === 'r' || event.key === 'Enter') {
      if (event.target === row) row.querySelector('.deeds button')?.click();
    } else if (event.key === 'Escape') document.getElementById('message')?.focus();
  };
  return html`<div class="log-place">
    <div class="log" ref=${scroller} onScroll=${onScroll} onKeyDown=${onKeyDown} role="log" aria-live=${isAtEnd ? 'polite' : 'off'} tabindex="0" aria-label=${text('chat')}>
      <${Top} room=${room} version=${version} isFirst=${shown[0]?.offset === room.list.oldest} isEmpty=${rows.length === 0} />
      <ol>${rows.map((row) => html`<${Line} key=${row.key} row=${row} me=${me} deeds=${deeds} />`)}</ol>
    </div>
    ${!isAtEnd && html`<button type="button" class="to-end" onClick=${toEnd}><${Icon} name="down" size=${18} />${fresh > 0 ? text('latest_new', { count: fresh }) : text('latest')}</button>`}
  </div>`;
}

function Top({ room, isFirst, isEmpty }) {
  const { history, list } = room;
  if (history === 'failed') {
    return html`<div class="top" role="alert"><p>${text('history_failed')}</p>
      <button type="button" class="quiet small" onClick=${() => (isEmpty ? room.loadLatest() : room.loadOlder())}>${text('retry')}</button></div>`;
  }
  if (history === 'loading' && isEmpty) return html`<${Waiting} rows=${5} kind="chat" />`;
  if (isEmpty) return html`<${Empty} icon="comment" title=${text('nobody_yet')}><p>${text('nobody_yet_hint')}</p></${Empty}>`;
  const words = !isFirst ? null : history === 'loading' || list.hasOlder ? (list.isFull ? 'older_full' : 'loading') : 'beginning';
  return html`<p class="top">${words && text(words)}</p>`;
}
