// A WebSocket that comes back: after a pause that grows, at once when the network does, and not at all when the
// server says so. It knows nothing of what is said over it.

import { backoffMs } from './backoff.js';
import { closePolicy } from './close.js';

/** A connection that lasted this long was a good one: the next pause starts from the beginning. */
const STABLE_MS = 10_000;

export class Connection {
  #socket = null;
  #timer = null;
  #failures = 0;
  #openedAt = null;
  #mustRenew = false;
  /** What the server announced as the time to come back. */
  #announcedMs = null;
  #options;

  /** `{ name: 'connecting' | 'open' | 'waiting' | 'stopped', retryAt?, reason? }` */
  state = { name: 'stopped', reason: null };

  /**
   * `url()` is asked before each try. `renew()` gets a new access token and answers `renewed`, `refused` or
   * `unreachable`; `whyRefused()` is asked when a handshake fails, and answers a reason to stop or `null`.
   */
  constructor({ url, renew, whyRefused, onText, onState, WebSocket = globalThis.WebSocket, timers = globalThis,
    random = Math.random, now = Date.now }) {
    this.#options = { url, renew, whyRefused, onText, onState, WebSocket, timers, random, now };
  }

  open() {
    if (this.state.name === 'stopped') this.#connect();
  }

  /** Ends it for good. */
  close() {
    this.#abandon();
    this.#become({ name: 'stopped', reason: null });
  }

  /** Returns whether the text went out. */
  send(text) {
    if (this.state.name !== 'open' || this.#socket.readyState !== 1) return false;
    this.#socket.send(text);
    return true;
  }

  /** The server will be back after this time. */
  comeBackIn(milliseconds) {
    this.#announcedMs = milliseconds;
  }

  /** There may be a network again: no need to wait. */
  hurry() {
    if (this.state.name === 'waiting') this.#connect();
  }

  /** A socket opened before that moment may have nobody at its other end. */
  restart(openedBefore = Infinity) {
    if (this.state.name !== 'open') return this.hurry();
    if (this.#openedAt >= openedBefore) return;
    this.#abandon();
    this.#connect();
  }

  async #connect() {
    this.#abandon();
    this.#become({ name: 'connecting' });
    const token = (this.#socket = {});
    if (this.#mustRenew) {
      const outcome = await this.#options.renew();
      if (this.#socket !== token) return;
      if (outcome === 'refused') return this.#stop('closed_logged_out');
      if (outcome === 'unreachable') return this.#wait();
      this.#mustRenew = false;
    }
    this.#listen(new this.#options.WebSocket(this.#options.url()));
  }

  #listen(socket) {
    this.#socket = socket;
    this.#openedAt = null;
    const ours = (handler) => (event) => {
      if (this.#socket === socket) handler(event);
    };
    socket.onopen = ours(() => {
      this.#openedAt = this.#options.now();
      this.#become({ name: 'open' });
    });
    socket.onmessage = ours(({ data }) => {
      if (typeof data === 'string') this.#options.onText(data);
    });
    socket.onclose = ours(({ code }) => this.#onClose(code));
  }

  async #onClose(code) {
    const { action, reason } = closePolicy(code);
    if (action === 'stop') return this.#stop(reason);
    this.#mustRenew = action === 'renew';
    if (this.#openedAt === null) {
      // The handshake failed, and a browser does not tell a page how.
      const token = (this.#socket = {});
      const reasonToStop = await this.#options.whyRefused();
      if (this.#socket !== token) return;
      if (reasonToStop) return this.#stop(reasonToStop);
    } else if (this.#options.now() - this.#openedAt >= STABLE_MS) {
      this.#failures = 0;
    }
    this.#wait();
  }

  #wait() {
    const delay = this.#announcedMs ?? backoffMs(this.#failures, this.#options.random);
    this.#announcedMs = null;
    this.#failures += 1;
    this.#abandon();
    this.#timer = this.#options.timers.setTimeout(() => this.#connect(), delay);
    this.#become({ name: 'waiting', retryAt: this.#options.now() + delay });
  }

  #stop(reason) {
    this.#abandon();
    this.#become({ name: 'stopped', reason });
  }

  #abandon() {
    this.#options.timers.clearTimeout(this.#timer);
    this.#timer = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close?.(1000);
  }

  #become(state) {
    this.state = state;
    this.#options.onState(state);
  }
}
