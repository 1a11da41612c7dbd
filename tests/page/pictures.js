// Makes the pictures of docs/pictures from a demo with people in it: every view, light and dark, in three widths.

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { login, person, say, settled, startBrowser, startServer, viewsOf, VISITOR_VIEWS } from './harness.js';

const FOLDER = process.env.PICTURES ?? join(dirname(fileURLToPath(import.meta.url)), '../../docs/pictures');
const SIZES = { wide: { width: 1280, height: 800 }, middle: { width: 820, height: 1100 }, phone: { width: 390, height: 844 } };

/** What is said while the pictures are taken; `bo` stands for himself, and so on. */
const TALK = [
  ['bo', 'that dip at half past, did anybody buy?'],
  ['cho', '조금 샀어요. 거래량이 붙길래'],
  ['ann', 'watching the volume bars too, they doubled'],
  ['bo', '@ann is that the 5m or the 1m?'],
  ['ann', '1m. On the 5m it looks calm'],
  ['cho', '오늘은 150,000,000 위에서 마감하면 좋겠네요'],
  ['bo', 'wrote down my levels, will post them tonight'],
  ['cho', '기대할게요 👍'],
];

const ask = (page, method, path, body) => page.evaluate(async ([method, path, body]) => {
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() };
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}, [method, path, body]);

/** Lets the people of the demo talk, and ann have something to be told of. They stay in their rooms. */
async function liven(browser, url) {
  const people = {};
  for (const name of ['ann', 'bo', 'cho']) {
    people[name] = await person(browser, url);
    await login(people[name], `${name}@example.com`, `tickroom-${name}`);
    await people[name].open('#/market/KRW-BTC');
    await people[name].page.locator('#message').waitFor();
  }
  const { ann, bo, cho } = people;
  const me = await ask(ann.page, 'GET', '/api/users/me');
  const content = 'Two weeks of $KRW-BTC against $KRW-ETH, by the hour:\n\n- quiet nights\n- busy **mornings**\n\n> Nothing here is advice.\n\n#volume';
  const post = await ask(ann.page, 'POST', '/api/posts', { title: 'Mornings move more than nights', content });
  for (const { page } of [bo, cho]) {
    await ask(page, 'PUT', `/api/users/${me.id}/follow`);
    await ask(page, 'PUT', `/api/posts/${post.id}/like`);
  }
  await ask(cho.page, 'POST', `/api/posts/${post.id}/comments`, { content: '아침에 유난히 움직이더라고요. 잘 봤습니다!' });
  for (const [name, words] of TALK) {
    await say(people[name].page, words);
    await ann.page.locator('.log').getByText(words, { exact: true }).waitFor();
  }
  await ann.context.close();
  const other = await cho.context.newPage();
  await other.goto(`${url}/#/market/KRW-ETH`);
  await other.locator('#message').waitFor();
}

mkdirSync(FOLDER, { recursive: true });
const server = await startServer('demo');
const browser = await startBrowser();
try {
  server.grant('ann@example.com');
  await liven(browser, server.url);
  for (const [theme, language] of [['light', 'en-US'], ['dark', 'ko-KR']]) {
    for (const [size, viewport] of Object.entries(SIZES)) {
      const ann = await person(browser, server.url, { viewport, colorScheme: theme, locale: language, reducedMotion: 'reduce' });
      const take = async (name, hash) => {
        await ann.open(hash);
        await settled(ann.page);
        await ann.page.mouse.move(0, 0);
        await ann.page.screenshot({ path: join(FOLDER, `${name}-${size}-${theme}.jpg`), type: 'jpeg', quality: 80 });
      };
      for (const [name, hash] of Object.entries(VISITOR_VIEWS)) await take(name, hash);
      await login(ann, 'ann@example.com', 'tickroom-ann');
      for (const [name, hash] of Object.entries(await viewsOf(server.url, ann.page))) await take(name, hash);
      await ann.context.close();
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
