// The bell, its number, and the list below it.

import { element, oncePerFrame, reconcile, setText } from './dom.js';
import { language, text } from './text.js';

/** More than this is many. */
const COUNT_MAX = 99;
const TIME = new Intl.DateTimeFormat(language, { dateStyle: 'short', timeStyle: 'short' });

export class NotificationView {
  #bell;
  #panel;
  #notifications;

  constructor({ bell, panel, notifications }) {
    this.#bell = bell;
    this.#panel = panel;
    this.#notifications = notifications;
    this.changed = oncePerFrame(() => this.#draw());
    bell.addEventListener('click', () => this.#toggle(panel.hidden));
    this.#part('all').addEventListener('click', () => notifications.readAll());
    this.#part('more').addEventListener('click', () => notifications.more());
    panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      this.#toggle(false);
      bell.focus();
    });
    document.addEventListener('click', ({ target }) => {
      if (!panel.contains(target) && !bell.contains(target)) this.#toggle(false);
    });
  }

  /** Shows the bell to whoever is logged in. */
  show(isLoggedIn) {
    this.#bell.hidden = !isLoggedIn;
    if (!isLoggedIn) this.#toggle(false);
  }

  #toggle(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#bell.ariaExpanded = String(isOpen);
    if (isOpen) this.#panel.focus();
  }

  #draw() {
    const { list, unread, cursor, loading } = this.#notifications;
    const count = this.#bell.querySelector('[data-part=count]');
    count.hidden = unread === 0;
    setText(count, unread > COUNT_MAX ? `${COUNT_MAX}+` : String(unread));
    this.#bell.ariaLabel = unread === 0 ? text('notifications') : text('notifications_unread', { count: unread });
    this.#part('all').hidden = unread === 0;
    this.#part('more').hidden = cursor === null;
    setText(this.#part('note'), this.#note(list, loading));
    reconcile(this.#part('list'), list.map((entry) => this.#row(entry)));
  }

  #note(list, loading) {
    if (loading === 'failed') return text('notifications_failed');
    if (list.length > 0) return '';
    return loading === 'loading' ? text('loading') : text('notifications_none');
  }

  #row({ id, text: said, link, created_at: createdAt, read_at: readAt }) {
    const isUnread = readAt === null;
    const make = () => {
      // What lies outside this page is opened beside it.
      const beside = link.startsWith('/#') ? {} : { target: '_blank', rel: 'noopener' };
      const onclick = () => this.#notifications.read(id);
      const time = element('time', { datetime: createdAt }, TIME.format(new Date(createdAt)));
      return element('li', { class: isUnread ? 'unread' : null }, element('a', { href: link, onclick, ...beside }, said, time));
    };
    return { key: id, version: isUnread ? 'unread' : 'read', make };
  }

  #part(name) {
    return this.#panel.querySelector(`[data-part=${name}]`);
  }
}
