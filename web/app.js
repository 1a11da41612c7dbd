// The entry: who is here, which room is open, and what connects the parts.

import { readLink } from './account.js';
import * as api from './api.js';
import { AuthView } from './auth-view.js';
import { Candles, INTERVALS } from './candles.js';
import { ChartView } from './chart-view.js';
import { ChatView } from './chat-view.js';
import { Chat } from './chat.js';
import { setText } from './dom.js';
import { NotificationView } from './notification-view.js';
import { Notifications } from './notification.js';
import { Price } from './price.js';
import { PriceView } from './price-view.js';
import { RoomList } from './room-list.js';
import { drafts, tabStore } from './store.js';
import { language, text } from './text.js';
import { readHistoryMessage } from './wire.js';

/** How often the list of rooms is read again, and how soon after that has failed. */
const ROOMS_EVERY_MS = 30_000;
const ROOMS_AGAIN_MS = 5_000;
/** So soon after we entered a room, it counts us. */
const COUNTED_MS = 500;
/** Timers of a sleeping computer stand still; those of a hidden tab run at least once a minute. */
const SLEPT_MS = 90_000;

/** Where list and room have place side by side; style.css says the same. */
const WIDE = matchMedia('(min-width: 48rem)');

const byId = (id) => document.getElementById(id);

let me = null;
let chat = null;
let shownPrice = null;
/** Since when the server could not be reached; `null` while it can. */
let unreachableSince = null;

translate();

const roomList = new RoomList(byId('rooms'));
const authView = new AuthView({ dialog: byId('auth'), onLogin: () => refreshMe() });
const chatView = new ChatView({ root: byId('chat'), drafts, onLogin: () => authView.open() });
const price = new Price({
  origin: location.href,
  renew: api.renew,
  onChange: () => priceView.changed(),
  onQuote: (code, ticker) => roomList.quote(code, ticker),
});
const candles = new Candles({
  origin: location.href, renew: api.renew, load: api.candles, onChange: () => chartView.changed(),
});
const chartView = new ChartView({
  root: byId('chart'),
  candles,
  onInterval: (interval) => {
    tabStore.setItem('interval', interval);
    candles.show(candles.market, interval);
  },
});
const notifications = new Notifications({ api, onChange: () => notificationView.changed() });
const notificationView = new NotificationView({ bell: byId('bell'), panel: byId('news'), notifications });
const priceView = new PriceView({
  root: byId('price'),
  price,
  onPrice: (formatted) => {
    shownPrice = formatted;
    showTitle();
  },
});

// No link: the part behind the # is the room.
byId('skip').addEventListener('click', () => byId('lines').focus());
byId('login').addEventListener('click', () => authView.open());
byId('signup').addEventListener('click', () => authView.open(true));
byId('logout').addEventListener('click', logout);
addEventListener('hashchange', () => {
  followLink();
  route();
});
WIDE.addEventListener('change', route);
addEventListener('online', hurry);
addEventListener('offline', () => chatView.changed());
watchForSleep();
followLink();
start();

async function start() {
  await Promise.all([readVersion(), readMe(), readRooms()]);
  route();
  keepRoomsFresh();
}

function keepRoomsFresh() {
  setTimeout(async () => {
    if (!document.hidden) await refreshRooms();
    keepRoomsFresh();
  }, roomList.hasFailed ? ROOMS_AGAIN_MS : ROOMS_EVERY_MS);
}

/** Goes on where the link of a mail has led. Its token does not stay in the address, where others could read it. */
function followLink() {
  const link = readLink(location);
  if (link === null) return;
  history.replaceState(null, '', location.pathname);
  authView.follow(link);
}

/** Which room the address names. */
function wantedRoom() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return '';
  }
}

/** Opens what the address names. Asked again whenever the rooms are known anew. */
function route() {
  const room = wantedRoom() || (WIDE.matches ? roomList.first : '') || '';
  const isKnown = roomList.find(room) !== undefined;
  document.body.dataset.view = room === '' ? 'list' : 'room';
  byId('room').hidden = !isKnown;
  byId('nothing').hidden = isKnown;
  setText(byId('nothing'), room === '' || roomList.first === null ? text('choose') : text('unknown_room', { room }));
  roomList.select(room);
  if (isKnown) openRoom(room);
  else closeRoom();
}

function openRoom(room) {
  setText(byId('room-name'), roomList.nameOf(room));
  setText(byId('room-code'), room);
  byId('room-warning').hidden = !roomList.hasWarning(room);
  const { members } = roomList.find(room);
  setText(byId('room-members'), members > 0 ? text('here', { count: members }) : '');
  if (chat?.room === room) return;
  closeRoom();
  openChat(room);
  price.watch(room);
  byId('chart').hidden = !roomList.codes.includes(room);
  if (!byId('chart').hidden) candles.show(room, shownInterval());
}

/** The length of the bars that was chosen last, in this tab. */
function shownInterval() {
  const chosen = tabStore.getItem('interval');
  return INTERVALS.includes(chosen) ? chosen : candles.interval;
}

function openChat(room, { wasLoggedOut = false } = {}) {
  chat = new Chat({
    room,
    me,
    origin: location.href,
    loadHistory: async (name, before) => {
      const { rows, hasOlder } = await api.messages(name, before);
      return { messages: rows.map(readHistoryMessage), hasOlder };
    },
    renew: api.renew,
    whyRefused,
    storage: tabStore,
    onChange: () => chatView.changed(),
    onLoggedOut: () => refreshMe({ wasLoggedOut: true }),
    onJoined: () => setTimeout(refreshRooms, COUNTED_MS),
    makeId,
    isVisible: () => !document.hidden,
  });
  chatView.show(chat, me, wasLoggedOut);
  chat.open();
  showTitle();
}

function closeRoom() {
  chat?.close();
  chat = null;
  showTitle();
}

/** A handshake failed: was it because nobody is logged in any more? */
async function whyRefused() {
  try {
    return (await api.me()) === null ? 'closed_logged_out' : null;
  } catch {
    return null;
  }
}

async function readVersion() {
  try {
    const { demo_logins: logins } = await api.version();
    authView.offer(logins);
  } catch {
    // The page works without.
  }
}

async function readMe() {
  try {
    me = await api.me();
  } catch {
    // Nobody, as far as we know. Whoever logs in is somebody again.
    me = null;
  }
  showMe();
}

function showMe() {
  byId('login').hidden = byId('signup').hidden = me !== null;
  byId('logout').hidden = byId('me').hidden = me === null;
  setText(byId('me'), me?.username ?? '');
  notificationView.show(me !== null);
  if (me === null) notifications.close();
  else notifications.open();
}

/** Somebody logged in or out: the conversation goes on as them. */
async function refreshMe({ wasLoggedOut = false } = {}) {
  await readMe();
  // The login that was ended is not the one of the cookies. The page stays as it is, and offers to log in.
  if (wasLoggedOut && me !== null) return;
  const room = chat?.room;
  closeRoom();
  if (room) openChat(room, { wasLoggedOut });
}

async function logout() {
  closeRoom();
  try {
    await api.logout();
  } catch {
    // Then we still are who we were, as `refreshMe` will find.
  }
  await refreshMe();
  route();
}

async function readRooms() {
  try {
    const [rooms, markets] = await Promise.all([api.rooms(), api.markets()]);
    roomList.update(rooms, markets);
    price.follow(roomList.codes);
    // Sockets from before the network went may be dead without knowing.
    if (unreachableSince !== null) restart(unreachableSince);
    unreachableSince = null;
  } catch (error) {
    roomList.update(null, null);
    if (error.status === 0) unreachableSince ??= Date.now();
  }
}

async function refreshRooms() {
  await readRooms();
  route();
}

/** There may be a network now. */
function hurry() {
  price.hurry();
  candles.hurry();
  notifications.hurry();
  chat?.hurry();
}

/** There may be nobody at the other end of our sockets, and a browser would not notice for minutes. */
function restart(openedBefore) {
  price.restart(openedBefore);
  candles.restart(openedBefore);
  chat?.restart(openedBefore);
}

function watchForSleep() {
  let before = Date.now();
  setInterval(() => {
    const slept = Date.now() - before > SLEPT_MS;
    before = Date.now();
    if (slept) restart();
  }, 5_000);
}

function showTitle() {
  const parts = chat ? [shownPrice, chat.room, text('title')] : [text('title')];
  document.title = parts.filter(Boolean).join(' · ');
}

/** A name for a message. `randomUUID` exists only where the page came over https or from this very machine. */
function makeId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Puts the sentences of the visitor's language in place of index.html's. */
function translate() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll('[data-text]')) setText(node, text(node.dataset.text));
  for (const node of document.querySelectorAll('[data-hint]')) node.placeholder = text(node.dataset.hint);
  for (const node of document.querySelectorAll('[data-title]')) node.title = text(node.dataset.title);
  for (const node of document.querySelectorAll('[data-label]')) node.ariaLabel = text(node.dataset.label);
}
