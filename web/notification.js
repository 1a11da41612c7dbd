// What the visitor is told of: the newest of it as a list, and a number that is right without asking. No DOM.
// Manual: docs/protocol/notification.md.
//
// A browser's EventSource comes back by itself and says where it was, so that nothing is missed. It gives up for good
// when it is refused, as by a proxy whose server restarts; then a new one is made here, and the list is read again.

import { backoffMs } from './backoff.js';

/** Older ones are a matter for another visit. */
const KEPT = 200;
const CLOSED = 2;

export class Notifications {
  /** Newest first: `{ id, kind, text, link, created_at, read_at, … }`. */
  list = [];
  unread = 0;
  /** What to go on with behind the list, or `null` at its end. */
  cursor = null;
  /** `null`, `loading` or `failed`. */
  loading = null;
  #options;
  #source = null;
  #timer = null;
  #failures = 0;

  /**
   * `api` has the REST calls; `onChange()` is called whenever something here may have changed. `mustReload()` says
   * whether what the stream tells is in another language than the visitor's.
   */
  constructor({ api, onChange, mustReload = () => false, EventSource = globalThis.EventSource, timers = globalThis, random = Math.random }) {
    this.#options = { api, onChange, mustReload, EventSource, timers, random };
  }

  /** Begins to listen as whoever is logged in now. */
  open() {
    this.close();
    this.#connect();
  }

  close() {
    this.#stop();
    this.#failures = 0;
    Object.assign(this, { list: [], unread: 0, cursor: null, loading: null });
    this.#options.onChange();
  }

  /** There may be a network now. */
  hurry() {
    if (this.#timer !== null) this.#connect();
  }

  /** Reads the page behind the list. */
  async more() {
    if (this.cursor === null || this.loading === 'loading') return;
    await this.#load(this.cursor, (page) => {
      const known = new Set(this.list.map(({ id }) => id));
      this.list = [...this.list, ...page.notifications.filter(({ id }) => !known.has(id))];
    });
  }

  /** Reads the newest page. */
  async reload() {
    await this.#load(null, (page) => {
      this.list = page.notifications;
    });
  }

  async read(id) {
    const one = this.list.find((entry) => entry.id === id);
    if (!one || one.read_at !== null) return;
    this.#mark((entry) => entry.id === id);
    await this.#try(() => this.#options.api.readNotification(id));
  }

  /** All that the visitor can see; what comes meanwhile stays unread. */
  async readAll() {
    if (this.list.length === 0) return;
    this.#mark(() => true);
    await this.#try(() => this.#options.api.readNotifications(this.list[0].id));
  }

  #mark(isMeant) {
    const now = new Date().toISOString();
    this.list = this.list.map((entry) => (isMeant(entry) && entry.read_at === null ? { ...entry, read_at: now } : entry));
    this.#options.onChange();
  }

  /** Deletes one. */
  async remove(id) {
    this.list = this.list.filter((entry) => entry.id !== id);
    this.#options.onChange();
    await this.#try(() => this.#options.api.deleteNotification(id));
  }

  async #try(request) {
    try {
      await request();
    } catch {
      // What was marked here and not there shows as it is there.
      await this.reload();
    }
  }

  async #load(cursor, use) {
    const source = this.#source;
    this.loading = 'loading';
    this.#options.onChange();
    try {
      const page = await this.#options.api.notifications(cursor);
      // Somebody else may be logged in by now.
      if (this.#source !== source) return;
      use(page);
      this.cursor = page.next_cursor;
      this.loading = null;
    } catch {
      if (this.#source !== source) return;
      this.loading = 'failed';
    }
    this.#options.onChange();
  }

  #connect() {
    this.#stop();
    const source = (this.#source = new this.#options.EventSource('/api/notifications/stream'));
    const ours = (handler) => (event) => {
      if (this.#source === source) handler(event);
    };
    let isNew = true;
    source.addEventListener('open', ours(() => {
      this.#failures = 0;
      // One that came back is told what it missed; a new one does not know what was before it.
      if (isNew) this.reload();
      isNew = false;
    }));
    source.addEventListener('notification', ours(({ data }) => this.#onNotification(JSON.parse(data))));
    source.addEventListener('unread-count', ours(({ data }) => this.#onUnread(JSON.parse(data).count)));
    source.addEventListener('error', ours(() => {
      if (source.readyState === CLOSED) this.#onRefused();
    }));
  }

  #onNotification(notification) {
    if (this.list.some(({ id }) => id === notification.id)) return;
    if (this.#options.mustReload()) {
      this.reload();
      return;
    }
    this.list = [notification, ...this.list].slice(0, KEPT);
    this.#options.onChange();
  }

  #onUnread(count) {
    // Fewer than before, and not by our doing: another page has read some, or some were withdrawn.
    const here = this.list.filter(({ read_at: readAt }) => readAt === null).length;
    const isStale = count < here;
    this.unread = count;
    this.#options.onChange();
    if (isStale && this.loading !== 'loading') this.reload();
  }

  async #onRefused() {
    const source = this.#source;
    let me;
    try {
      me = await this.#options.api.me();
    } catch {
      me = undefined;
    }
    if (this.#source !== source) return;
    if (me === null) return this.close();
    const delay = backoffMs(this.#failures, this.#options.random);
    this.#failures += 1;
    this.#timer = this.#options.timers.setTimeout(() => this.#connect(), delay);
  }

  #stop() {
    this.#options.timers.clearTimeout(this.#timer);
    this.#timer = null;
    this.#source?.close();
    this.#source = null;
  }
}
