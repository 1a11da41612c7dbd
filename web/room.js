// One room's conversation: what the socket says, the lines and what is on its way, kept in step. No DOM.
//
// Who is logged in watches the room's channel. Who is not reads the history, and asks for it again now and then.

import { MessageList } from './messages.js';
import { Outgoing } from './outgoing.js';

const READ_ONLY_POLL_MS = 10_000;
/** An ack may overtake the line itself, but not by this much. */
const SEEN_WITHIN_MS = 4_000;
const PRESENCE_AGAIN_MS = 1_000;

/** The last moment that a `Date` can hold. Beyond it, formatting throws. */
const TIME_MAX_MS = 8.64e15;

/** A message of the socket or of the history, in one shape. */
export function readMessage({ offset, id, sender, content, timestamp, created_at: createdAt }) {
  const at = timestamp ?? Date.parse(createdAt);
  return {
    offset,
    id,
    sender: { id: sender?.id, name: sender?.name ?? '', picture: sender?.profileUrl ?? sender?.profile_url ?? null },
    content: content ?? '',
    at: Math.abs(at) <= TIME_MAX_MS ? at : 0,
  };
}

/** What the SDK says of a refused message, in the words of {@link Outgoing}. */
export function readRefusal({ code, message }) {
  if (code === 111) return { code: 'rate_limited', retryAfterMs: 1_500 };
  if (code === 107 || code === 103) return { code: 'refused', detail: message };
  // The SDK's own: it waited for too long, or lost the connection. Whether it was stored shows when it is sent again.
  return { code: 'not_stored' };
}

export class Room {
  list = new MessageList();
  /** Whether the room has let us in. */
  isJoined = false;
  /** `null`, `loading` or `failed`. */
  history = null;
  /** Sockets in the room, or `null` as long as nobody has said. */
  members = null;
  /** Who is there, once somebody has asked. */
  people = null;
  #options;
  #outgoing;
  #stop = null;
  #pausedUntil = 0;
  #timers = new Map();
  #isClosed = false;
  #wantsPeople = false;

  /**
   * `me` is who is logged in, or `null`. `live` has `watch`, `publish` and `presence`; `loadHistory(room, before)`
   * answers `{ rows, hasOlder }`. `storage` is kept over a reload. `onChange()` is called whenever something here may
   * have changed.
   */
  constructor({ name, me, live, loadHistory, storage, onChange, onRefused = () => {}, makeId, timers = globalThis,
    now = Date.now, isVisible = () => true }) {
    this.name = name;
    this.me = me;
    this.#options = { live, loadHistory, storage, onChange, onRefused, makeId, timers, now, isVisible };
    this.#outgoing = new Outgoing(me ? this.#restore() : []);
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
    if (!this.me) return this.#poll();
    this.#stop = this.#options.live.watch(`chat:${this.name}`, {
      publication: (data) => this.#onPublication(data),
      subscribing: () => this.#onLost(),
      subscribed: (how) => this.#onJoined(how),
      joined: () => this.#wantsPeople && this.#later('people', PRESENCE_AGAIN_MS, () => this.loadPeople()),
      refused: (error) => this.#options.onRefused(error),
    }, { joinLeave: true, linger: 0 });
  }

  close() {
    this.#isClosed = true;
    this.#stop?.();
    for (const timer of this.#timers.values()) this.#options.timers.clearTimeout(timer);
  }

  say(content) {
    this.#outgoing.add(this.#options.makeId(), content, this.#options.now());
    this.#outgoingChanged();
    this.#pump();
  }

  retry(id) {
    this.#outgoing.retry(id);
    this.#outgoingChanged();
    this.#pump();
  }

  discard(id) {
    this.#outgoing.discard(id);
    this.#outgoingChanged();
  }

  /** Reads the newest page of the history. */
  loadLatest() {
    return this.#load(null, ({ rows, hasOlder }) => this.list.addLatest(rows.map(readMessage), hasOlder));
  }

  /** Reads the page before the oldest line. */
  loadOlder() {
    if (this.history === 'loading') return undefined;
    const before = this.list.oldest;
    return this.#load(before ?? null, ({ rows, hasOlder }) => {
      // The list may have been started over in the meantime.
      if (this.list.oldest === before) this.list.addOlder(rows.map(readMessage), hasOlder);
    });
  }

  /** Asks who is there, and again when somebody comes or goes. */
  async loadPeople() {
    this.#wantsPeople = true;
    if (!this.isJoined) return;
    try {
      const people = await this.#options.live.presence(`chat:${this.name}`);
      if (this.#isClosed) return;
      this.people = people;
      this.#changed();
    } catch {
      this.#later('people', PRESENCE_AGAIN_MS * 5, () => this.loadPeople());
    }
  }

  async #load(before, use) {
    this.history = 'loading';
    this.#changed();
    try {
      const page = await this.#options.loadHistory(this.name, before);
      if (this.#isClosed) return;
      use(page);
      this.history = null;
      this.#outgoing.settle(this.list.newest);
    } catch {
      this.history = 'failed';
    }
    this.#changed();
  }

  async #poll() {
    if (this.#options.isVisible() || this.list.length === 0) await this.loadLatest();
    if (!this.#isClosed) this.#later('poll', READ_ONLY_POLL_MS, () => this.#poll());
  }

  #onPublication(data) {
    if (data.type === 'MESSAGE') this.#onMessage(readMessage(data));
    else if (data.type === 'MEMBERS') this.members = data.members;
    this.#changed();
  }

  #onMessage(message) {
    const isNew = this.list.addLive(message);
    if (isNew && message.sender.id === this.me?.id) this.#outgoing.seen(message);
    this.#outgoing.settle(this.list.newest);
  }

  #onJoined({ wasRecovering, isRecovered }) {
    this.isJoined = true;
    // Without recovery, what is here and what comes may belong to two lives of the room.
    if (!(wasRecovering && isRecovered)) {
      this.list.doubt();
      this.loadLatest();
    } else if (this.history === 'failed') this.loadLatest();
    if (this.#wantsPeople) this.loadPeople();
    this.#pump();
    this.#changed();
  }

  #onLost() {
    this.isJoined = false;
    this.#outgoing.disconnected();
    this.#changed();
  }

  async #pump() {
    const { now, live } = this.#options;
    const wait = this.#pausedUntil - now();
    if (wait > 0) return this.#later('pump', wait, () => this.#pump());
    const entry = this.isJoined ? this.#outgoing.next() : null;
    if (!entry) return undefined;
    const { id, content } = entry;
    this.#outgoing.sent(id);
    this.#changed();
    try {
      await live.publish(`chat:${this.name}`, { content, id });
      this.#outgoing.acked(id);
      this.#outgoing.settle(this.list.newest);
      this.#later(`seen ${id}`, SEEN_WITHIN_MS, () => this.#outgoing.forget(id) && this.loadLatest());
    } catch (error) {
      // A connection that was lost meanwhile has put it back already.
      const pause = this.#outgoing.isSending(id) ? this.#outgoing.refused({ id, ...readRefusal(error) }) : null;
      if (pause !== null) this.#pausedUntil = now() + pause;
    }
    this.#outgoingChanged();
    return this.#isClosed ? undefined : this.#pump();
  }

  #outgoingChanged() {
    const { unsettled } = this.#outgoing;
    const { storage } = this.#options;
    if (unsettled.length > 0) storage.setItem(this.#key, JSON.stringify(unsettled));
    else storage.removeItem(this.#key);
    this.#changed();
  }

  /** What a page before this one could not get rid of, the same person in the same tab. */
  #restore() {
    try {
      const saved = JSON.parse(this.#options.storage.getItem(this.#key) ?? '[]');
      return Array.isArray(saved) ? saved.filter(({ id, content }) => typeof id === 'string' && typeof content === 'string') : [];
    } catch {
      return [];
    }
  }

  get #key() {
    return `outgoing:${this.me?.id}:${this.name}`;
  }

  #later(name, delay, action) {
    const { timers } = this.#options;
    timers.clearTimeout(this.#timers.get(name));
    this.#timers.set(name, timers.setTimeout(() => {
      this.#timers.delete(name);
      if (!this.#isClosed) action();
    }, delay));
  }

  #changed() {
    if (!this.#isClosed) this.#options.onChange();
  }
}
