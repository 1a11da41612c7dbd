// How the page is put together: nothing that keeps somebody out, little to fetch, and the same the second time.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { login, person, settled, startBrowser, startServer, viewsOf, VISITOR_VIEWS } from './harness.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_RULES = ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'];
const BYTES_MAX = 250 * 1024;
const SHOWN_MS_MAX = 3_000;
/** What is called good of the sum by which things jump about while a page loads. */
const SHIFT_MAX = 0.1;

let server;
let browser;
before(async () => {
  server = await startServer('demo');
  server.grant('ann@example.com');
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What axe finds wrong with the view that is shown, and whether it is too wide for its window. */
async function findFaults(page, name) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate((rules) => globalThis.axe.run({ runOnly: rules }), AXE_RULES);
  const faults = violations.map(({ id, nodes }) =>
    `${name}: ${id}: ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return over > 0 ? [...faults, `${name}: ${over} pixels too wide`] : faults;
}

for (const [theme, width] of [['light', 1280], ['dark', 390]]) {
  test(`no view keeps anybody out or is cut off, ${theme}, ${width} wide`, async () => {
    const ann = await person(browser, server.url, { viewport: { width, height: 844 }, colorScheme: theme, reducedMotion: 'reduce' });
    const faults = [];
    const look = async (views) => {
      for (const [name, hash] of Object.entries(views)) {
        await ann.open(hash);
        await settled(ann.page);
        faults.push(...await findFaults(ann.page, name));
      }
    };
    await look(VISITOR_VIEWS);
    await login(ann, 'ann@example.com', 'tickroom-ann');
    await look(await viewsOf(server.url, ann.page));
    assert.deepEqual(faults, []);
    assert.deepEqual(ann.complaints, []);
  });
}

/** Counts what comes over the wire, and keeps the answers as they came, before the browser puts its own copies in. */
async function listen(page, context) {
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  const paths = new Map();
  const wire = { bytes: 0, answers: [] };
  network.on('Network.requestWillBeSent', ({ requestId, request }) => paths.set(requestId, new URL(request.url).pathname));
  network.on('Network.loadingFinished', ({ encodedDataLength }) => (wire.bytes += encodedDataLength));
  network.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode, headers }) => {
    const policy = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-security-policy')?.[1];
    wire.answers.push({ path: paths.get(requestId), status: statusCode, policy });
  });
  return wire;
}

test('the first load is small, soon shown and does not jump about', async () => {
  const { context, page, open, complaints } = await person(browser, server.url);
  await page.addInitScript(() => {
    globalThis.shift = 0;
    const add = (list) => list.getEntries().forEach(({ value, hadRecentInput }) => (globalThis.shift += hadRecentInput ? 0 : value));
    new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
  });
  const wire = await listen(page, context);
  const begin = Date.now();
  await open('#/');
  await page.locator('.market-table tbody tr').first().waitFor();
  const shownMs = Date.now() - begin;
  await settled(page);
  const shift = await page.evaluate(() => globalThis.shift);
  console.log(`first load ${wire.bytes} bytes, shown after ${shownMs} ms, shifted by ${shift}`);
  assert.ok(wire.bytes > 50_000 && wire.bytes < BYTES_MAX, `${wire.bytes} bytes`);
  assert.ok(shownMs < SHOWN_MS_MAX, `${shownMs} ms`);
  assert.ok(shift < SHIFT_MAX, `${shift}`);
  assert.deepEqual(complaints, []);
});

test('a reload fetches nothing of the page again and keeps to the same policy', async () => {
  const { context, page, open, complaints } = await person(browser, server.url);
  const wire = await listen(page, context);
  const shown = async () => {
    await page.locator('.market-table tbody tr').first().waitFor();
    await settled(page);
    const { bytes, answers } = wire;
    Object.assign(wire, { bytes: 0, answers: [] });
    return { bytes, answers: answers.filter(({ path }) => path === '/' || path?.startsWith('/assets/')) };
  };
  await open('#/');
  const first = await shown();
  await page.reload();
  const second = await shown();
  assert.ok(first.answers.filter(({ status }) => status === 200).length > 20, 'the first time, files come');
  assert.deepEqual([...new Set(second.answers.map(({ status }) => status))], [304]);
  assert.ok(second.bytes < first.bytes / 2, `${second.bytes} bytes again`);
  const policies = new Set([...first.answers, ...second.answers].map(({ policy }) => policy));
  assert.equal(policies.size, 1, [...policies].join('\n'));
  assert.deepEqual(complaints, []);

  // The policy that came with the 304 holds in the page that was made from the browser's own copy.
  const ran = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.hasRun = true';
    document.head.append(script);
    return globalThis.hasRun === true;
  });
  assert.equal(ran, false, 'an inline script runs');
});
