// People who use the official SDK against the server at TICKROOM_URL.

import { Centrifuge } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import WebSocket from 'ws';

export const server = process.env.TICKROOM_URL;
export const url = `${server.replace('http', 'ws')}/connection/websocket`;

async function post(path, body) {
  const response = await fetch(server + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const run = Date.now().toString(36).slice(-6);

// Somebody with an account, whose token can be had again and again.
export async function person(name) {
  const username = `${name}-${run}`;
  const login = { email: `${username}@example.com`, password: `password of ${username}` };
  await post('/api/auth/register', { username, ...login });
  const token = async () => (await post('/api/auth/login', login)).access_token;
  return { username, token };
}

// Somebody follows somebody.
export async function follow(token, id) {
  const response = await fetch(`${server}/api/users/${id}/follow`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`follow: ${response.status} ${await response.text()}`);
}

export const codecs = [['JSON', Centrifuge], ['Protobuf', ProtobufCentrifuge]];

// In Protobuf payloads are bytes, which hold JSON; in JSON they are what they mean.
const isBytes = (data) => data instanceof Uint8Array;
export const read = (data) => (isBytes(data) ? JSON.parse(new TextDecoder().decode(data)) : data);
const write = (made, data) => (made instanceof ProtobufCentrifuge ? new TextEncoder().encode(JSON.stringify(data)) : data);
export const publish = (made, channel, data) => made.publish(channel, write(made, data));
export const call = (made, method, data) => made.rpc(method, write(made, data));

// A client, and its TCP connection to be cut.
export function client(Codec, token, options = {}) {
  let socket;
  class Cuttable extends WebSocket {
    constructor(...args) {
      super(...args);
      socket = this;
    }
  }
  const made = new Codec(url, { websocket: Cuttable, token, minReconnectDelay: 50, maxReconnectDelay: 500, ...options });
  made.cut = () => socket.terminate();
  return made;
}

// Waits for a condition.
export async function eventually(what, condition, patience_ms = 30_000) {
  const end = Date.now() + patience_ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// Listens in a room; keeps what comes.
export function listen(client, channel, options = {}) {
  const sub = client.newSubscription(channel, options);
  sub.seen = [];
  sub.subscribed = [];
  sub.on('publication', (context) => sub.seen.push({ ...context, data: read(context.data) }));
  sub.on('subscribed', (context) => sub.subscribed.push(context));
  sub.subscribe();
  return sub;
}

export const texts = (sub) => sub.seen.map((context) => context.data.content);
export const offsets = (sub) => sub.seen.map((context) => context.offset);

let next = 0;
export const say = (who, channel, content) => publish(who, channel, { content, id: `${run}-${next++}` });
