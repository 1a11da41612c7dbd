// Many clients, each cut again and again at random: every one ends with the same complete sequence.
// A hundred of them, or STORM_CLIENTS.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client, codecs, eventually, listen, offsets, person, say } from './people.js';

const CLIENTS = Number(process.env.STORM_CLIENTS ?? 100);
const MESSAGES = 300;
const room = 'chat:KRW-XRP';

test('a storm of cut lines loses nothing, doubles nothing, reorders nothing', { timeout: 300_000 }, async () => {
  const speaker = client(codecs[0][1], await (await person('speaker')).token());
  speaker.connect();
  await speaker.ready(5_000);
  const people = await Promise.all(['s1', 's2', 's3', 's4'].map(person));
  const tokens = await Promise.all(people.map((one) => one.token()));
  const members = Array.from({ length: CLIENTS }, (_, index) => {
    const made = client(codecs[index % 2][1], tokens[index % tokens.length]);
    made.connect();
    return { made, sub: listen(made, room) };
  });
  await Promise.all(members.map(({ sub }) => sub.ready(30_000)));

  let cuts = 0;
  const cutting = setInterval(() => {
    for (const { made } of members) {
      if (Math.random() < 0.05) {
        made.cut();
        cuts++;
      }
    }
  }, 100);
  for (let number = 0; number < MESSAGES; number++) {
    await say(speaker, room, `storm ${number}`);
    if (number % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  clearInterval(cutting);
  await eventually('everybody has the last one', () => members.every(({ sub }) => sub.seen.length >= MESSAGES), 60_000);
  const expected = Array.from({ length: MESSAGES }, (_, index) => members[0].sub.seen[0].offset + index);
  for (const { sub } of members) {
    assert.deepEqual(offsets(sub), expected);
    assert.ok(sub.subscribed.slice(1).every((context) => context.recovered));
  }
  assert.ok(cuts > CLIENTS, `${cuts} cuts are no storm`);
  [speaker, ...members.map(({ made }) => made)].forEach((made) => made.disconnect());
});
