// Tokens that live for three seconds, on the server at TICKROOM_SHORT_URL.

import assert from 'node:assert/strict';
import { test } from 'node:test';

process.env.TICKROOM_URL = process.env.TICKROOM_SHORT_URL;
const { client, codecs, eventually, listen, person, say } = await import('./people.js');

for (const [name, Codec] of codecs) {
  test(`${name}: a connection outlives its tokens for as long as new ones come`, async () => {
    const ann = await person(`ann-${name[0]}`);
    let fetched = 0;
    const getToken = async () => {
      fetched++;
      return ann.token();
    };
    const made = client(Codec, await ann.token(), { getToken });
    const names = [];
    made.on('connected', (context) => names.push(context.client));
    made.connect();
    const sub = listen(made, 'chat:KRW-BTC');
    await eventually('three more tokens', () => fetched >= 3);
    await say(made, 'chat:KRW-BTC', 'still here');
    await eventually('heard', () => sub.seen.length === 1);
    assert.equal(names.length, 1, 'the same connection');
    made.disconnect();
  });

  test(`${name}: an old token is answered with 109, and a client that can gets another`, async () => {
    const ann = await person(`bo-${name[0]}`);
    const old = await ann.token();
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    const made = client(Codec, old, { getToken: ann.token });
    made.connect();
    await made.ready(5_000);
    made.disconnect();
    const helpless = client(Codec, old);
    let end;
    helpless.on('disconnected', (context) => (end = context.code));
    helpless.connect();
    await eventually('it gives up', () => end === 1);
  });
}
