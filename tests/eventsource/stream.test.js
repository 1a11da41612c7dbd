// The event stream as the npm package `eventsource` reads it: a program's way, with a Bearer token, and through a server
// that is killed and comes back. TICKROOM_BIN names the server; `.ci/run stream` builds it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { EventSource } from 'eventsource';

const BIN = process.env.TICKROOM_BIN ?? new URL('../../target/debug/tickroom', import.meta.url).pathname;
const PATIENCE_MS = 30_000;

let folder;
let port;
let server;
const sources = [];

/** A port that is free now, so that the server can come back where it was. */
async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address();
  probe.close();
  await once(probe, 'close');
  return free;
}

async function start() {
  const options = ['serve', '--feed', 'off', '--listen', `127.0.0.1:${port}`, '--data-dir', folder];
  const env = { TICKROOM_AUTH__EMAIL_VERIFICATION: 'off' };
  server = spawn(BIN, options, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  for await (const line of createInterface({ input: server.stderr })) {
    if (line.includes('listening')) break;
  }
  server.stderr.resume();
}

async function kill() {
  server.kill('SIGKILL');
  await once(server, 'exit');
}

async function request(method, path, { token, body } = {}) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${path}: ${response.status}`);
  const text = await response.text();
  return text === '' ? null : JSON.parse(text);
}

async function user(name) {
  const login = { email: `${name}@example.com`, password: `${name}, and nobody else` };
  await request('POST', '/api/auth/register', { body: { username: name, ...login } });
  const { access_token: token } = await request('POST', '/api/auth/login', { body: login });
  const { id } = await request('GET', '/api/users/me', { token });
  return { token, id };
}

/** A stream and all that it was told. */
function listen({ token }) {
  const source = new EventSource(`http://127.0.0.1:${port}/api/notifications/stream`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}`, 'accept-language': 'en' } }),
  });
  sources.push(source);
  const told = [];
  const counts = [];
  source.addEventListener('notification', ({ data, lastEventId }) => told.push({ ...JSON.parse(data), lastEventId }));
  source.addEventListener('unread-count', ({ data }) => counts.push(JSON.parse(data).count));
  return { source, told, counts };
}

async function eventually(what, condition) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tickroom-eventsource-'));
  port = await freePort();
  await start();
});

after(async () => {
  sources.forEach((source) => source.close());
  await kill();
  await rm(folder, { recursive: true });
});

test('what happens is told once, also when the server dies in between', async () => {
  const [ann, bo, cho] = [await user('ann'), await user('bo'), await user('cho')];
  const { source, told, counts } = listen(ann);
  await eventually('it is open', () => source.readyState === EventSource.OPEN && counts.length > 0);
  await request('PUT', `/api/users/${ann.id}/follow`, { token: bo.token });
  await eventually('it is told', () => told.length === 1 && counts.at(-1) === 1);
  assert.deepEqual([told[0].text, told[0].lastEventId], ['bo follows you.', told[0].id]);

  await kill();
  await eventually('it notices', () => source.readyState === EventSource.CONNECTING);
  await start();
  await request('PUT', `/api/users/${ann.id}/follow`, { token: cho.token });
  await eventually('it is back and is told what it missed', () => told.length === 2 && counts.at(-1) === 2);
  assert.deepEqual(told.map(({ text }) => text), ['bo follows you.', 'cho follows you.']);
});

test('who may not listen is told so and does not try again', async () => {
  const { source } = listen({ token: 'nonsense' });
  const refused = await new Promise((resolve) => source.addEventListener('error', resolve));
  assert.deepEqual([refused.code, source.readyState], [401, EventSource.CLOSED]);
});
