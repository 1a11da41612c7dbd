// One room's conversation: the socket, the lines and what is on its way, kept in step. No DOM.
//
// Who is logged in talks over the socket. Who is not reads the history, and asks for it again now and then.

import { Connection } from './connection.js';
import { MessageList } from './messages.js';
import { Outgoing } from './outgoing.js';
import { chatUrl, readFrame, writeMessage } from './wire.js';

/** An ack may take this long while the server waits for its message log. After it, the connection is suspect. */
const ACK_PATIENCE_MS = 45_000;
const READ_ONLY_POLL_MS = 10_000;

export class Chat {
  list = new MessageList();
  /** Whether the room has let us in. */
  isJoined = false;
  /** `null`, `loading` or `failed`. */
  history = null;
  #options;
  #outgoing;
  #connection = null;
  #position = null;
  /** Before this moment the server wants nothing from us. */
  #pausedUntil = 0;
  #sendTimer = null;
  #ackTimer = null;
  #pollTimer = null;
  #isClosed = false;

  /**
   * `me` is who is logged in, or `null`. `loadHistory(room, before)` answers `{ messages, hasOlder }`. `storage` is
   * kept over a reload. `onChange()` is called whenever something here may have changed.
   */
  constructor({ room, me, origin, loadHistory, renew, whyRefused, storage, onChange, onJoined = () => {},
    onLoggedOut = () => {}, makeId, connect = {}, timers = globalThis, now = Date.now, isVisible = () => true }) {
    this.#options = { room, me, loadHistory, storage, onChange, onJoined, onLoggedOut, makeId, timers, now, isVisible };
    this.#outgoing = new Outgoing(this.#restore());
    if (me) {
      this.#connection = new Connection({
        url: () => chatUrl(origin, room, this.#position),
        renew,
        whyRefused,
        onText: (text) => this.#onText(text),
        onState: (state) => this.#onConnection(state),
        timers,
        now,
        ...connect,
      });
    }
  }

  get room() {
    return this.#options.room;
  }

  /** State of the connection, or `null` for a reader without one. */
  get connection() {
    return this.#connection?.state ?? null;
  }

  /** Messages that have no place among the lines yet. */
  get pending() {
    return this.#outgoing.entries.filter(({ place }) => place === null || !this.list.has(place));
  }

  /** Whether the line at this offset is our own and not stored yet. */
  isUnstored(offset) {
    return this.#outgoing.entries.some(({ place, state }) => place === offset && state !== 'stored');
  }

  open() {
    if (this.#connection) this.#connection.open();
    else this.#poll();
  }

  close() {
    this.#isClosed = true;
    this.#connection?.close();
    this.#stopTimers();
    this.#options.timers.clearTimeout(this.#pollTimer);
  }

  say(content) {
    this.#outgoing.add(this.#options.makeId(), content, this.#options.now());
    this.#pump();
    this.#outgoingChanged();
  }

  retry(id) {
    this.#outgoing.retry(id);
    this.#pump();
    this.#outgoingChanged();
  }

  discard(id) {
    this.#outgoing.discard(id);
    this.#outgoingChanged();
  }

  /** Tries again whatever did not work: there may be a network now. */
  hurry() {
    this.#connection?.hurry();
    if (!this.#connection || this.history === 'failed') this.loadLatest();
  }

  /** The connection seems to be dead, though nobody has said so. */
  restart(openedBefore) {
    if (this.#connection) this.#connection.restart(openedBefore);
    else this.loadLatest();
  }

  /** Reads the newest page of the history. */
  loadLatest() {
    return this.#load(null, (page) => this.list.addLatest(page.messages, page.hasOlder));
  }

  /** Reads the page before the oldest line. */
  loadOlder() {
    const before = this.list.oldest;
    return this.#load(before ?? null, (page) => {
      // The list may have been started over in the meantime.
      if (this.list.oldest === before) this.list.addOlder(page.messages, page.hasOlder);
    });
  }

  async #load(before, use) {
    this.history = 'loading';
    this.#changed();
    try {
      const page = await this.#options.loadHistory(this.room, before);
      if (this.#isClosed) return;
      use(page);
      this.history = null;
    } catch {
      this.history = 'failed';
    }
    this.#changed();
  }

  async #poll() {
    if (this.#options.isVisible() || this.list.length === 0) await this.loadLatest();
    if (this.#isClosed) return;
    this.#pollTimer = this.#options.timers.setTimeout(() => this.#poll(), READ_ONLY_POLL_MS);
  }

  #onConnection(state) {
    if (this.#isClosed) return;
    if (state.name !== 'open') {
      this.isJoined = false;
      this.#outgoing.disconnected();
      this.#stopTimers();
    }
    // Who may not come in can still read.
    if (state.name === 'stopped' && this.list.length === 0) this.loadLatest();
    this.#changed();
    if (state.reason === 'closed_logged_out') this.#options.onLoggedOut();
  }

  #onText(text) {
    const frame = readFrame(text);
    switch (frame?.type) {
      case 'joined': this.#onJoined(frame); break;
      case 'message': this.#onMessage(frame.message); break;
      case 'ack': this.#onAck(frame); break;
      case 'error': this.#onError(frame); break;
      case 'shutdown': this.#connection.comeBackIn(frame.retryAfterMs); break;
      default: return;
    }
    this.#changed();
  }

  /** Also comes in the middle, when the room had to start over: then its offsets begin a new epoch. */
  #onJoined({ epoch, recovered }) {
    this.isJoined = true;
    this.#pausedUntil = 0;
    if (recovered) {
      this.#position = { ...this.#position, epoch };
    } else {
      // Until a line has come there is no place to resume from.
      this.#position = { epoch, offset: null };
      this.list.doubt();
      this.loadLatest();
    }
    this.#options.onJoined();
    this.#pump();
  }

  #onMessage(message) {
    if (this.#position) this.#position = { epoch: this.#position.epoch, offset: message.offset };
    const isNew = this.list.addLive(message);
    if (isNew && message.sender.id === this.#options.me.id) this.#outgoing.seen(message);
    this.#outgoing.settle(this.list.newest);
  }

  #onAck({ id, offset }) {
    this.#outgoing.acked(id, offset);
    this.#outgoing.settle(this.list.newest);
    this.#pump();
    this.#outgoingChanged();
  }

  #onError(error) {
    const wait = this.#outgoing.refused(error);
    this.#pausedUntil = this.#options.now() + (wait ?? 0);
    this.#pump();
    this.#outgoingChanged();
  }

  /** Sends what is next, once the server wants it. */
  #pump() {
    const { timers, now } = this.#options;
    timers.clearTimeout(this.#sendTimer);
    if (!this.isJoined) return;
    const pause = this.#pausedUntil - now();
    if (pause > 0) {
      this.#sendTimer = timers.setTimeout(() => this.#pump(), pause);
      return;
    }
    const next = this.#outgoing.next();
    if (!next || !this.#connection.send(writeMessage(next))) return;
    this.#outgoing.sent(next.id);
    timers.clearTimeout(this.#ackTimer);
    this.#ackTimer = timers.setTimeout(() => this.#onSilence(next.id), ACK_PATIENCE_MS);
  }

  /** Neither an ack nor a refusal: perhaps nobody is there any more. */
  #onSilence(id) {
    if (this.#outgoing.isSending(id)) this.#connection.restart();
  }

  #stopTimers() {
    this.#options.timers.clearTimeout(this.#sendTimer);
    this.#options.timers.clearTimeout(this.#ackTimer);
  }

  #changed() {
    if (!this.#isClosed) this.#options.onChange();
  }

  #outgoingChanged() {
    this.#save();
    this.#changed();
  }

  // Under the user's id: what one person left unsent must not be said by the next to log in.
  get #storageKey() {
    return `outgoing:${this.#options.me?.id}:${this.room}`;
  }

  #restore() {
    if (!this.#options.me) return [];
    try {
      return JSON.parse(this.#options.storage.getItem(this.#storageKey)) ?? [];
    } catch {
      return [];
    }
  }

  #save() {
    const { unsettled } = this.#outgoing;
    if (unsettled.length > 0) this.#options.storage.setItem(this.#storageKey, JSON.stringify(unsettled));
    else this.#options.storage.removeItem(this.#storageKey);
  }
}
