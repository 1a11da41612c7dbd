// The conversation on the screen: lines, composer, and what there is to say about the connection.

import { element, oncePerFrame, reconcile, setText } from './dom.js';
import { SHOWN_MAX } from './messages.js';
import { rowsOf } from './rows.js';
import { language, refusalText, text } from './text.js';

const CONTENT_CHARS_MAX = 2_000;
/** From so few characters left on they are counted. */
const LEFT_SHOWN = 200;
/** This close to the end, a reader wants to stay there. */
const END_PX = 80;

const TIME = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat(language, { dateStyle: 'full' });

export class ChatView {
  #chat = null;
  #me = null;
  #drafts;
  #nodes;
  #isAtEnd = true;
  /** The last line shown while older ones are being read; `null` follows the newest. */
  #end = null;
  #seen = null;
  #draw = oncePerFrame(() => this.#render());
  #clock = null;

  constructor({ root, drafts, onLogin }) {
    const find = (name) => root.querySelector(`[data-part="${name}"]`);
    this.#drafts = drafts;
    this.#nodes = Object.fromEntries(
      ['status', 'status-text', 'countdown', 'now', 'scroller', 'top', 'older', 'lines', 'end', 'composer', 'input', 'send', 'count',
        'gate', 'gate-text', 'login'].map((name) => [name, find(name)]),
    );
    const { scroller, older, end, composer, input, now, login } = this.#nodes;
    scroller.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    older.addEventListener('click', () => this.#loadOlder());
    end.addEventListener('click', () => this.#toEnd());
    now.addEventListener('click', () => this.#chat.hurry());
    login.addEventListener('click', onLogin);
    composer.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say();
    });
    input.addEventListener('input', () => this.#onInput());
    input.addEventListener('keydown', (event) => this.#onKey(event));
    // The lines stay at their end when the place for them changes, as a keyboard comes up or the composer grows.
    new ResizeObserver(() => this.#isAtEnd && this.#scrollToEnd()).observe(scroller);
  }

  /** Shows another conversation. */
  show(chat, me, wasLoggedOut) {
    const isOtherRoom = this.#chat?.room !== chat.room;
    this.#chat = chat;
    this.#me = me;
    this.#end = null;
    this.#isAtEnd = true;
    this.#seen = null;
    this.#nodes.lines.replaceChildren();
    setText(this.#nodes['gate-text'], text(wasLoggedOut ? 'closed_logged_out' : 'login_to_chat'));
    if (isOtherRoom) this.#nodes.input.value = this.#drafts.get(chat.room);
    this.#nodes.input.placeholder = text('message_hint', { room: chat.room });
    this.#onInput();
    this.changed();
  }

  /** Something in the conversation is different. */
  changed() {
    this.#draw();
  }

  #say() {
    const { input } = this.#nodes;
    const content = input.value.trim();
    if (content === '' || overLimit(content) > 0) return;
    input.value = '';
    this.#onInput();
    this.#toEnd();
    this.#chat.say(content);
  }

  #onKey(event) {
    // While Hangul is being composed, Enter belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#say();
  }

  #onInput() {
    const { input, count, send } = this.#nodes;
    this.#drafts.set(this.#chat.room, input.value);
    const content = input.value.trim();
    const over = overLimit(content);
    setText(count, over > 0 ? text('too_long', { over }) : over > -LEFT_SHOWN ? text('left', { left: -over }) : '');
    input.setAttribute('aria-invalid', String(over > 0));
    send.disabled = content === '' || over > 0;
  }

  #onScroll() {
    const { scroller } = this.#nodes;
    const wasAtEnd = this.#isAtEnd;
    this.#isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < END_PX;
    const { newest } = this.#chat.list;
    if (this.#isAtEnd && this.#end !== null) {
      // The end of what is shown: go on with the lines that follow, if any do.
      const isLast = this.#end >= newest;
      this.#end = isLast ? null : Math.min(this.#end + SHOWN_MAX / 2, newest);
      this.#isAtEnd = isLast;
      this.#draw();
    } else if (this.#isAtEnd !== wasAtEnd) {
      this.#draw();
    }
  }

  async #loadOlder() {
    const { list } = this.#chat;
    const first = list.oldest;
    this.#isAtEnd = false;
    await this.#chat.loadOlder();
    if (list.oldest === first || list.length <= SHOWN_MAX) return;
    this.#end = list.firstWindowEnd;
    this.#draw();
  }

  #toEnd() {
    this.#end = null;
    this.#isAtEnd = true;
    this.#draw();
  }

  #scrollToEnd() {
    const { scroller } = this.#nodes;
    scroller.scrollTop = scroller.scrollHeight;
  }

  #render() {
    const chat = this.#chat;
    if (!chat) return;
    const { lines, end } = this.#nodes;
    // Whoever reads older lines keeps them: newer ones wait below instead of pushing them out.
    if (!this.#isAtEnd && this.#end === null && chat.list.length > SHOWN_MAX) this.#end = this.#seen;
    const anchor = this.#isAtEnd ? null : this.#anchor();
    const rows = rowsOf({
      messages: chat.list.window(this.#end),
      pending: this.#end === null ? chat.pending : [],
      me: this.#me,
      isUnstored: (offset) => chat.isUnstored(offset),
      dayOf: (at) => DAY.format(at),
    });
    reconcile(lines, rows.map((row) => ({ ...row, make: () => this.#make(row) })));
    this.#renderTop();
    this.#renderStatus();
    const { newest = null } = chat.list;
    if (this.#isAtEnd) {
      this.#seen = newest;
      this.#scrollToEnd();
    }
    anchor?.();
    end.hidden = this.#isAtEnd;
    setText(end, text(newest > this.#seen ? 'latest_new' : 'latest'));
  }

  /** Notes where the first line in sight is; the answer scrolls so that it is there again. */
  #anchor() {
    const { scroller, lines } = this.#nodes;
    const edge = scroller.getBoundingClientRect().top;
    const top = (child) => child.getBoundingClientRect().top;
    // Not a day: once older lines are there, it stands above others.
    const first = Array.from(lines.querySelectorAll('.line')).find((line) => line.getBoundingClientRect().bottom > edge);
    if (!first) return null;
    const { key } = first.dataset;
    const before = top(first);
    return () => {
      const now = Array.from(lines.children).find((child) => child.dataset.key === key);
      if (now) scroller.scrollTop += top(now) - before;
    };
  }

  #renderTop() {
    const { list, history } = this.#chat;
    const { older, top, scroller } = this.#nodes;
    scroller.setAttribute('aria-busy', String(history === 'loading'));
    const canLoad = list.length > 0 && list.hasOlder && !list.isFull;
    older.hidden = !canLoad;
    older.disabled = history === 'loading';
    const waits = history === 'loading' || (list.length === 0 && this.#chat.connection && !this.#chat.isJoined);
    const name = history === 'failed' ? 'history_failed'
      : list.length === 0 ? (waits ? 'loading' : 'nobody_yet')
        : list.hasOlder ? (list.isFull ? 'older_full' : null) : 'beginning';
    setText(top, name === null ? '' : text(name));
  }

  #renderStatus() {
    clearTimeout(this.#clock);
    const { status, countdown, now, gate, composer } = this.#nodes;
    const { connection } = this.#chat;
    const statement = this.#statement();
    status.hidden = statement === null;
    setText(this.#nodes['status-text'], statement ?? '');
    const isWaiting = connection?.name === 'waiting' && navigator.onLine;
    now.hidden = !isWaiting;
    const seconds = isWaiting ? Math.ceil((connection.retryAt - Date.now()) / 1000) : 0;
    // Apart from the statement, so that it is not read aloud every second.
    setText(countdown, seconds > 0 ? text('seconds', { seconds }) : '');
    if (isWaiting) this.#clock = setTimeout(this.#draw, 500);
    const isStopped = connection?.name === 'stopped';
    composer.hidden = !this.#me || isStopped;
    gate.hidden = Boolean(this.#me) && connection?.reason !== 'closed_logged_out';
  }

  /** What there is to say about the connection, or `null` while all is well. */
  #statement() {
    const { connection, isJoined } = this.#chat;
    if (!connection || isJoined) return null;
    if (connection.name === 'stopped') return connection.reason && text(connection.reason);
    if (!navigator.onLine) return text('offline');
    return text(connection.name === 'waiting' ? 'reconnecting' : 'connecting');
  }

  #make(row) {
    if (row.kind === 'day') return element('li', { class: 'day' }, row.day);
    if (row.kind === 'pending') return this.#makePending(row.entry);
    const { message, isGrouped, isMine, isUnstored } = row;
    return element('li', { class: `line${isGrouped ? ' grouped' : ''}${isMine ? ' mine' : ''}` },
      head(message.sender.name, message.at, isMine),
      element('p', { class: 'content', dir: 'auto' }, message.content),
      isUnstored ? element('p', { class: 'state' }, text('sending')) : null,
    );
  }

  #makePending({ id, content, at, state, refusal }) {
    const hasFailed = state === 'failed';
    const reason = refusal ? refusalText(refusal) : text(state === 'waiting' ? 'unsent' : 'sending');
    const note = hasFailed ? `${text('failed')} ${reason}` : refusal ? `${reason} ${text('trying_again')}` : reason;
    return element('li', { class: `line mine pending${hasFailed ? ' failed' : ''}` },
      head(this.#me.username, at, true),
      element('p', { class: 'content', dir: 'auto' }, content),
      element('p', { class: 'state' }, note),
      hasFailed ? element('p', { class: 'actions' },
        element('button', { type: 'button', onclick: () => this.#chat.retry(id) }, text('retry')),
        element('button', { type: 'button', onclick: () => this.#chat.discard(id) }, text('discard')),
      ) : null,
    );
  }
}

/** Who and when. `bdi` keeps a name from turning the rest of its line around. */
function head(name, at, isMine) {
  return element('p', { class: 'head' },
    element('bdi', { class: 'who' }, name),
    isMine ? element('span', { class: 'you' }, text('you')) : null,
    element('time', { datetime: new Date(at).toISOString() }, TIME.format(at)),
  );
}

/** How many characters too many; below zero, how many are left. Characters as the server counts them. */
function overLimit(content) {
  return Array.from(content).length - CONTENT_CHARS_MAX;
}
