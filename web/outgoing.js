// What this page wants said in a room, until the server has stored it.
//
// One message is on the wire at a time. That keeps them in order when one has to be repeated, and it tells which one
// is meant when a refusal names none (a message above the rate limit is refused unread). A repeat bears the same id,
// so the server recognises it, whatever became of the first try.

import { backoffMs } from './backoff.js';

/** Refusals that pass by themselves: the same message may be taken a moment later. */
const PASSING = new Set(['rate_limited', 'overloaded', 'not_joined', 'not_stored', 'storage_unavailable', 'shutting_down']);
/** Tries before a message is given back to its author. With full jitter, about a minute. */
const TRIES_MAX = 8;

export class Outgoing {
  /**
   * `{ id, content, at, state, place, refusal, tries }`, oldest first. State: `waiting` to be sent, `sending`,
   * `stored` (and not yet seen in the room), `failed`. `place` is the offset under which it has been seen.
   */
  entries = [];

  constructor(saved = []) {
    this.entries = saved.map(({ id, content, at }) => entry(id, content, at));
  }

  add(id, content, at) {
    this.entries.push(entry(id, content, at));
  }

  /** The message to send now, if any. */
  next() {
    if (this.entries.some(({ state }) => state === 'sending')) return null;
    return this.entries.find(({ state }) => state === 'waiting') ?? null;
  }

  sent(id) {
    const found = this.#find(id);
    if (found) Object.assign(found, { state: 'sending', tries: found.tries + 1 });
  }

  isSending(id) {
    return this.#find(id)?.state === 'sending';
  }

  /** The connection broke: what was on the wire has to be sent again. */
  disconnected() {
    for (const found of this.entries) if (found.state === 'sending') found.state = 'waiting';
  }

  /** One's own message came back. Its ack may follow, and only that says that it is stored. */
  seen(message) {
    const found = this.entries.find(({ tries, state, place, content }) =>
      tries > 0 && state !== 'failed' && place === null && content === message.content);
    if (found) found.place = message.offset;
  }

  /** Stored, under this offset if the ack names it, else where it was seen or will be. */
  acked(id, offset = null) {
    const found = this.#find(id);
    if (found) Object.assign(found, { state: 'stored', place: offset ?? found.place });
  }

  /** Stored, and never seen: the history has it. Returns whether there was such a message. */
  forget(id) {
    const before = this.entries.length;
    this.entries = this.entries.filter((found) => found.id !== id || found.state !== 'stored' || found.place !== null);
    return this.entries.length < before;
  }

  /** Forgets what is stored and has been seen: up to this offset the room's lines are here. */
  settle(newest) {
    this.entries = this.entries.filter(({ state, place }) => !(state === 'stored' && place !== null && place <= (newest ?? -1)));
  }

  /**
   * A refusal, of the message with this id or else of the one on the wire. Returns after how many milliseconds to go
   * on, or `null` if the message has failed.
   */
  refused({ id, code, detail, retryAfterMs }, random = Math.random) {
    const found = this.#find(id) ?? this.entries.find(({ state }) => state === 'sending');
    if (!found) return null;
    found.refusal = { code, detail, retryAfterMs };
    if (PASSING.has(code) && found.tries < TRIES_MAX) {
      found.state = 'waiting';
      // A full second on top of the jitter where the server did not say: it has more to do than it can.
      return retryAfterMs ?? 1_000 + backoffMs(found.tries, random);
    }
    // What was never stored has no place, wherever it was seen.
    Object.assign(found, { state: 'failed', place: null });
    return null;
  }

  retry(id) {
    const found = this.#find(id);
    if (found?.state === 'failed') Object.assign(found, { state: 'waiting', tries: 0, refusal: null });
  }

  discard(id) {
    this.entries = this.entries.filter((found) => found.id !== id || found.state !== 'failed');
  }

  /** What has to outlive a reload of the page. */
  get unsettled() {
    return this.entries.filter(({ state }) => state !== 'stored').map(({ id, content, at }) => ({ id, content, at }));
  }

  #find(id) {
    return this.entries.find((found) => found.id === id);
  }
}

function entry(id, content, at) {
  return { id, content, at, state: 'waiting', place: null, refusal: null, tries: 0 };
}
