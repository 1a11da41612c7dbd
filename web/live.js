// The one socket of the page: the Centrifuge protocol, spoken by its own SDK. It reconnects, recovers what a room said
// meanwhile, and tells everybody who watches a channel. Manual: docs/protocol/centrifuge.md.

import { Centrifuge } from './vendor/centrifuge.js';
import { signal } from './vendor/signals-core.js';

/** Rows that are scrolled past are watched again a moment later. */
const LINGER_MS = 3_000;
/** The server gives a socket 128 channels; what is beyond comes by asking now and then. */
const CHANNELS_MAX = 110;

/** `connecting`, `open`, or `waiting` for another try; since when it is not open. */
export const connection = signal({ state: 'connecting', since: Date.now() });

let client = null;
const channels = new Map();

function address() {
  const url = new URL('/connection/websocket', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

function make() {
  // Cookies say who we are: the handshake renews them where it has to.
  const made = new Centrifuge(address(), { minReconnectDelay: 300, maxReconnectDelay: 15_000, timeout: 8_000 });
  let failures = 0;
  made.on('connected', () => {
    failures = 0;
    connection.value = { state: 'open', since: Date.now() };
  });
  made.on('connecting', () => become(failures++ === 0 ? 'connecting' : 'waiting'));
  made.on('error', () => become('waiting'));
  made.on('disconnected', ({ code }) => {
    if (code !== 0) connection.value = { state: 'stopped', code, since: Date.now() };
  });
  return made;
}

function become(state) {
  const { state: before, since } = connection.peek();
  connection.value = { state, since: before === 'open' ? Date.now() : since };
}

/** Opens the socket, or opens another as whoever is logged in now. Everybody goes on watching. */
export function reconnect() {
  client?.disconnect();
  client = make();
  connection.value = { state: 'connecting', since: Date.now() };
  for (const entry of channels.values()) subscribe(entry);
  client.connect();
}

/** There may be a network now: no need to wait. */
export function hurry() {
  if (connection.peek().state !== 'waiting' || !client) return;
  client.disconnect();
  client.connect();
}

/** Ends a connection that may have nobody at its other end; the next one recovers what it missed. */
export function cut() {
  if (!client || connection.peek().state !== 'open') return hurry();
  client.disconnect();
  client.connect();
}

/**
 * Hears what is published in a channel until the function that this returns is called, or `null` where there is no room
 * for another. `on` may have `publication(data)`, `subscribed({ isRecovered, wasRecovering })`, `refused(error)`,
 * `joined()` and `subscribing()`.
 */
export function watch(channel, on, options = {}) {
  let entry = channels.get(channel);
  if (!entry) {
    if (channels.size >= CHANNELS_MAX) return null;
    entry = { channel, options, watchers: new Set(), subscription: null, timer: null, last: null };
    channels.set(channel, entry);
    if (client) subscribe(entry);
  } else if (entry.last !== null) on.publication?.(entry.last);
  clearTimeout(entry.timer);
  entry.watchers.add(on);
  return () => {
    entry.watchers.delete(on);
    if (entry.watchers.size > 0) return;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => end(entry), options.linger ?? LINGER_MS);
  };
}

function subscribe(entry) {
  const { channel, options, watchers } = entry;
  const tell = (name, ...values) => [...watchers].forEach((on) => on[name]?.(...values));
  const subscription = client.newSubscription(channel, { joinLeave: options.joinLeave === true, minResubscribeDelay: 500 });
  subscription.on('publication', ({ data }) => {
    if (options.keepsLast) entry.last = data;
    tell('publication', data);
  });
  subscription.on('subscribing', () => tell('subscribing'));
  subscription.on('subscribed', ({ wasRecovering, recovered }) => tell('subscribed', { wasRecovering, isRecovered: recovered }));
  subscription.on('join', () => tell('joined'));
  subscription.on('leave', () => tell('joined'));
  subscription.on('error', ({ error }) => tell('refused', error));
  subscription.on('unsubscribed', ({ code, reason }) => {
    if (code !== 0) tell('refused', { code, message: reason, temporary: false });
  });
  entry.subscription = subscription;
  subscription.subscribe();
}

function end(entry) {
  if (entry.watchers.size > 0) return;
  channels.delete(entry.channel);
  entry.subscription?.unsubscribe();
  if (entry.subscription) client?.removeSubscription(entry.subscription);
}

/** Says something in a channel; done when it is stored. Throws `{ code, message, temporary }`. */
export const publish = (channel, data) => client.publish(channel, data);

/** Who is in a channel: `[{ id, name, picture }]`, each once. */
export async function presence(channel) {
  const { clients } = await client.presence(channel);
  const people = Object.values(clients).filter(({ user }) => user !== '');
  const byId = new Map(people.map(({ user, connInfo }) => [user, { id: user, name: connInfo?.name ?? '', picture: connInfo?.profileUrl ?? null }]));
  return [...byId.values()].sort((a, b) => a.name.localeCompare(b.name));
}
