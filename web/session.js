// Who is logged in, and what follows from a login or a logout for the rest of the page.

import * as api from './api.js';
import { batch, signal } from './vendor/signals-core.js';
import * as live from './live.js';
import { Notifications } from './notification.js';
import { language } from './prefs.js';

/** The visitor, or `null`; `undefined` until the server has said. */
export const me = signal(undefined);
/** `{ version, simulated, demo_logins }` of the server. */
export const server = signal({});

/** A sentence's name, for the login view to show once. */
export const notice = signal(null);
/** The token of a mail's link, with which a new password may be chosen. */
export const resetToken = signal(null);

export const isAdmin = () => me.value?.role === 'admin';

/** Notifications as they are shown: `{ list, unread, cursor, loading }`. */
export const news = signal({ list: [], unread: 0, cursor: null, loading: null });

export const notifications = new Notifications({
  api,
  onChange: () => {
    const { list, unread, cursor, loading } = notifications;
    news.value = { list, unread, cursor, loading };
  },
  // An event stream cannot say which language it wants; the list can.
  mustReload: () => language.peek() !== (/^ko\b/i.test(navigator.language) ? 'ko' : 'en'),
});

export async function start() {
  await refresh(api.version().then((told) => (server.value = told), () => {}));
}

/** Asks again who is here; says so no sooner than `after`. Sockets and streams go on as them. */
export async function refresh(after = null) {
  const before = me.peek()?.id;
  let now = null;
  try {
    now = await api.me();
  } catch {
    // Nobody, as far as we know. Whoever logs in is somebody again.
  }
  // What the server says of itself is shown in the same places: together, they move nothing.
  await after;
  batch(() => {
    me.value = now;
    if (now?.id === before && before !== undefined) return;
    live.reconnect();
    if (now === null) notifications.close();
    else notifications.open();
  });
}

export async function login(email, password) {
  await api.login(email, password);
  await refresh();
}

export async function logout() {
  try {
    await api.logout();
  } catch {
    // Then we still are who we were, as `refresh` will find.
  }
  await refresh();
}
