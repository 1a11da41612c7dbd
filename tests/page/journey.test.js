// What people do here, from signing up to being told that somebody likes what they wrote.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, login, person, say, startBrowser, startCable, startServer } from './harness.js';

const PASSWORD = 'a good long password';

let server;
let browser;
before(async () => {
  // Fast hands, so that a long conversation is not a long wait.
  server = await startServer('serve', { TICKROOM_CHAT__MESSAGES_PER_SECOND: '10000', TICKROOM_CHAT__MESSAGE_BURST: '10000' });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

async function signUp(name, url = server.url) {
  const who = await person(browser, url);
  const email = `${name}@example.com`;
  await who.open('#/signup');
  await who.page.locator('#field-username').fill(name);
  await who.page.locator('#field-email').fill(email);
  await who.page.locator('#field-password').fill(PASSWORD);
  await who.page.locator('main form button[type=submit]').click();
  await who.page.locator('.notice').waitFor();
  await who.page.goto(url + await server.mailTo(email));
  await who.page.locator('.notice').waitFor();
  await login(who, email, PASSWORD);
  return who;
}

const lines = (page) => page.locator('li.message .words').allTextContents();

test('two people sign up, prove their addresses, talk, post, like and are told', async () => {
  const [ann, bo] = [await signUp('annika'), await signUp('boris')];
  for (const { open, page } of [ann, bo]) {
    await open('#/market/KRW-BTC');
    await page.locator('#message').waitFor();
  }
  for (const { page } of [ann, bo]) await page.locator('.presence').getByText('2 here').waitFor();
  await say(ann.page, 'hello from annika');
  await bo.page.getByText('hello from annika').waitFor();
  await say(bo.page, 'hello @annika');
  await ann.page.locator('li.message.for-me').waitFor();
  for (const { page } of [ann, bo]) {
    await eventually(async () => (await page.locator('.message .state').count()) === 0, 'all is stored');
    assert.deepEqual(await lines(page), ['hello from annika', 'hello @annika']);
  }
  // The mention.
  await ann.page.locator('.bell .count').getByText('1').waitFor();

  await ann.open('#/write');
  await ann.page.locator('#field-title').fill('Where it goes');
  await ann.page.locator('#field-content').fill('**Up** with $KRW-BTC #hope <img src=x onerror=alert(1)>');
  await ann.page.locator('.preview strong').getByText('Up').waitFor();
  await ann.page.locator('.editor button[type=submit]').click();
  await ann.page.locator('.post h1').getByText('Where it goes').waitFor();
  assert.equal(await ann.page.locator('.prose img').count(), 0, 'no picture from elsewhere, and no script');

  await bo.open('#/posts?show=latest');
  await bo.page.getByRole('link', { name: 'Where it goes' }).click();
  await bo.page.locator('.post .like').click();
  await bo.page.locator('.post .like[aria-pressed=true]').waitFor();
  await bo.page.locator('.comment-form textarea').fill('I like it');
  await bo.page.locator('.comment-form button[type=submit]').click();
  await bo.page.locator('.comment').getByText('I like it').waitFor();

  await ann.page.locator('.bell .count').getByText('3').waitFor();
  await ann.page.locator('.bell').click();
  await eventually(async () => (await ann.page.locator('.notice-row.fresh').count()) === 3, 'a mention, a like and a comment');
  await ann.page.locator('.head button').click();
  await eventually(async () => (await ann.page.locator('.bell .count').count()) === 0, 'all is read');
  for (const { complaints } of [ann, bo]) assert.deepEqual(complaints, []);
});

test('a cut connection loses no line and doubles none, in either direction', async () => {
  const cable = await startCable(server.url);
  const [cleo, dan] = [await signUp('cleopatra', cable.url), await signUp('danilo')];
  for (const { open, page } of [cleo, dan]) {
    await open('#/market/KRW-ETH');
    await page.locator('#message').waitFor();
  }
  await say(dan.page, 'before');
  await cleo.page.getByText('before').waitFor();

  cable.cut();
  for (const words of ['while 1', 'while 2', 'while 3']) await say(dan.page, words);
  await say(cleo.page, 'written offline');
  await cleo.page.locator('.banner').waitFor();
  await cleo.page.locator('.message.pending').getByText('written offline').waitFor();
  cable.mend();
  for (const { page } of [cleo, dan]) await page.getByText('written offline').waitFor();

  // Broken while messages are under way, again and again.
  for (let round = 1; round <= 5; round += 1) {
    await say(cleo.page, `mine ${round}`);
    await say(dan.page, `theirs ${round}`);
    cable.breakAll();
  }
  const complete = async ({ page }) => {
    const seen = await lines(page);
    return seen.length >= 15 && (await page.locator('.message .state').count()) === 0 ? seen : null;
  };
  const [hers, his] = [await eventually(() => complete(cleo), 'all lines are there', 40_000), await eventually(() => complete(dan), 'all lines are there')];
  assert.deepEqual(hers, his, 'both see the same order');
  assert.equal(new Set(hers).size, 15, 'each line once');
  cable.stop();
});

test('a long conversation is read back to its beginning, with few of its lines in the page at a time', async () => {
  const LINES = 700;
  const ann = await signUp('longina');
  await ann.open('#/market/KRW-XRP');
  await ann.page.locator('#message').waitFor();
  await ann.page.evaluate(async (lines) => {
    const { publish } = await import('/assets/live.js');
    for (let number = 0; number < lines; number += 1) await publish('chat:KRW-XRP', { content: `line ${number}`, id: crypto.randomUUID() });
  }, LINES);
  await ann.page.reload();
  await ann.page.getByText(`line ${LINES - 1}`, { exact: true }).waitFor();

  const seen = new Set();
  await eventually(async () => {
    const shown = await lines(ann.page);
    assert.ok(shown.length <= 160, `${shown.length} lines in the page`);
    const numbers = shown.map((words) => Number(words.replace('line ', '')));
    assert.ok(numbers.every((number, at) => at === 0 || number === numbers[at - 1] + 1), `in order: ${numbers}`);
    numbers.forEach((number) => seen.add(number));
    await ann.page.locator('.log').evaluate((node) => (node.scrollTop = 0));
    return numbers[0] === 0;
  }, 'the beginning is reached', 40_000);
  const missed = Array.from({ length: LINES }, (_, number) => number).filter((number) => !seen.has(number));
  assert.deepEqual(missed, [], 'every line was in the page');

  await ann.page.locator('.to-end').click();
  await ann.page.getByText(`line ${LINES - 1}`, { exact: true }).waitFor();
  await ann.page.locator('.to-end').waitFor({ state: 'detached' });
});
