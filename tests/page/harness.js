// A server of this build, people with browsers of their own, and a cable between them that can be cut.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const START_MS = 30_000;

/** Waits until `look()` answers something true, and answers that. */
export async function eventually(look, what, patienceMs = 15_000) {
  const end = Date.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** `tickroom serve` or `tickroom demo` with prices of the simulator, in a folder that is thrown away. */
export async function startServer(command = 'serve', settings = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tickroom-page-'));
  const rest = command === 'serve' ? ['--feed', 'sim'] : [];
  const env = {
    ...process.env,
    TICKROOM_AUTH__LOGIN_ATTEMPTS_PER_MINUTE: '100000',
    TICKROOM_AUTH__REGISTRATIONS_PER_HOUR: '100000',
    ...settings,
  };
  const child = spawn(process.env.TICKROOM_BIN, [command, ...rest, '--listen', '127.0.0.1:0', '--data-dir', folder], { cwd: folder, env });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (log += text));
  const url = await eventually(() => {
    if (child.exitCode !== null) throw new Error(log);
    return /http:\/\/127\.0\.0\.1:\d+/.exec(log)?.[0];
  }, 'an address in the log', START_MS);
  await eventually(async () => (await fetch(`${url}/api/markets`).then((answer) => answer.text(), () => '')).includes('"trade_price"'), 'prices', START_MS);
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  /** The path that the newest mail to this address leads to. */
  const mailTo = (address) => eventually(() => {
    const outbox = join(folder, 'outbox');
    const mails = readdirSync(outbox).map((name) => readFileSync(join(outbox, name), 'utf8').replace(/=\r?\n/g, '').replace(/=3D/g, '='));
    return mails.filter((mail) => mail.includes(address)).map((mail) => /https?:\/\/[^/\s]+(\/\S*(?:verify|reset)\S*)/.exec(mail)?.[1]).at(-1);
  }, `a mail to ${address}`);
  /** Makes somebody an administrator, from the next login on. */
  const grant = (address) => execFileSync(process.env.TICKROOM_BIN, ['admin', 'grant', address, '--data-dir', folder], { cwd: folder, env });
  return { url, stop, mailTo, grant };
}

/** A cable to the server. `cut()` breaks all that goes over it, and lets nothing through until `mend()`. */
export async function startCable(url) {
  const port = Number(new URL(url).port);
  const sockets = new Set();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(port, '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    return undefined;
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const breakAll = () => sockets.forEach((socket) => socket.destroy());
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut: () => {
      isCut = true;
      breakAll();
    },
    mend: () => (isCut = false),
    breakAll,
    stop: () => {
      breakAll();
      server.close();
    },
  };
}

export const startBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM_BIN, args: ['--no-sandbox', '--disable-gpu'] });

/** Somebody with a browser. What the page complains about is kept in `complaints`. */
export async function person(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US', ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.stack));
  page.on('console', (message) => {
    if (/Content Security Policy|violates|Failed to load module/i.test(message.text())) complaints.push(message.text());
  });
  const open = (hash) => page.goto(`${url}/${hash}`);
  return { context, page, complaints, open };
}

/** Logs in by the form. */
export async function login({ page, open }, email, password) {
  await open('#/login');
  await page.locator('#field-email').fill(email);
  await page.locator('#field-password').fill(password);
  await page.locator('main form button[type=submit]').click();
  await page.locator('.me-button').waitFor();
}

/** Says something in the room that is open. */
export async function say(page, words) {
  await page.locator('#message').fill(words);
  await page.locator('#message').press('Enter');
}

/** Until nothing is being waited for any more. */
export async function settled(page) {
  await eventually(() => page.evaluate(() => document.querySelector('main') && !document.querySelector('.waiting, .chart .note')), 'the view is complete');
  await page.waitForLoadState('networkidle', { timeout: 2_000 }).catch(() => {});
}

/** The views for who is not logged in. */
export const VISITOR_VIEWS = { login: '#/login', signup: '#/signup', forgot: '#/forgot' };

/** Every view of an administrator who is logged in, by its address. */
export async function viewsOf(url, page) {
  const { posts } = await (await fetch(`${url}/api/posts?sort=popular&limit=1`)).json();
  const me = await page.evaluate(async () => (await (await fetch('/api/users/me')).json()).id);
  return {
    markets: '#/',
    market: '#/market/KRW-BTC',
    posts: '#/posts?show=popular',
    post: `#/post/${posts[0].id}`,
    write: '#/write',
    people: '#/people',
    person: `#/user/${posts[0].author.id}`,
    profile: `#/user/${me}`,
    notifications: '#/notifications',
    settings: '#/settings',
    admin: '#/admin',
    accounts: '#/admin/accounts',
  };
}
