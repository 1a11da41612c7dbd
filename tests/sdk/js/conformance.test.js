// The checklist of the protocol with the official JavaScript SDK, in both of its codecs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { call, client, codecs, eventually, follow, listen, offsets, person, publish, read, say, texts } from './people.js';

const room = 'chat:KRW-BTC';
const open = [];
let ann, bo, annToken, boToken;

before(async () => {
  [ann, bo] = await Promise.all([person('ann'), person('bo')]);
  [annToken, boToken] = await Promise.all([ann.token(), bo.token()]);
});
after(() => open.forEach((made) => made.disconnect()));

function connect(Codec, token, options) {
  const made = client(Codec, token, options);
  open.push(made);
  made.connect();
  return made;
}

for (const [name, Codec] of codecs) {
  test(`${name}: connects, with a name of its own and pings to be answered`, async () => {
    const made = client(Codec, annToken);
    open.push(made);
    const connected = new Promise((resolve) => made.on('connected', resolve));
    made.connect();
    const context = await connected;
    assert.match(context.client, /^[0-9a-f-]{36}$/);
    let again = 0;
    made.on('connecting', () => again++);
    // The server of these tests pings every two seconds: long enough to be closed if the answers did not count.
    await new Promise((resolve) => setTimeout(resolve, 7_000));
    assert.equal(made.state, 'connected');
    assert.equal(again, 0);
  });

  test(`${name}: ten subscriptions made before connecting, and unsubscribe and subscribe in one tick`, async () => {
    const made = client(Codec, annToken);
    open.push(made);
    const subs = ['chat:KRW-BTC', 'chat:KRW-ETH', 'ticker:KRW-BTC', 'ticker:KRW-ETH'].map((channel) => listen(made, channel));
    made.connect();
    await Promise.all(subs.map((sub) => sub.ready(5_000)));
    subs[0].unsubscribe();
    subs[0].subscribe();
    await subs[0].ready(5_000);
    assert.equal(made.state, 'connected');
  });

  test(`${name}: what one says is said to all, once, in order`, async () => {
    const [speaker, listener] = [connect(Codec, annToken), connect(codecs[0][1], boToken)];
    const [own, other] = [listen(speaker, room), listen(listener, room)];
    await Promise.all([own.ready(5_000), other.ready(5_000)]);
    const said = ['plain', '"quoted"', 'two\nlines', '한글 😀', '{"content":"json"}'];
    for (const content of said) await say(speaker, room, content);
    await eventually('all is heard', () => other.seen.length >= said.length && own.seen.length >= said.length);
    assert.deepEqual(texts(own), said);
    assert.deepEqual(other.seen.map((context) => context.data), own.seen.map((context) => context.data));
    const [first] = own.seen;
    assert.equal(first.info.user, first.data.sender.id);
    assert.equal(first.offset, first.data.offset);
    assert.deepEqual(offsets(own), own.seen.map((_, index) => first.offset + index));
  });

  test(`${name}: what was missed while the line was cut comes, and nothing twice`, async () => {
    const [speaker, listener] = [connect(codecs[0][1], annToken), connect(Codec, boToken)];
    const sub = listen(listener, room);
    await sub.ready(5_000);
    await say(speaker, room, 'before');
    await eventually('before is heard', () => sub.seen.length === 1);
    listener.cut();
    for (let number = 0; number < 50; number++) await say(speaker, room, `missed ${number}`);
    await eventually('it is back', () => sub.subscribed.length === 2);
    await say(speaker, room, 'after');
    await eventually('after is heard', () => texts(sub).includes('after'));
    assert.deepEqual(texts(sub), ['before', ...Array.from({ length: 50 }, (_, number) => `missed ${number}`), 'after']);
    const [, again] = sub.subscribed;
    assert.ok(again.wasRecovering && again.recovered);
    listener.cut();
    await eventually('it is back again', () => sub.subscribed.length === 3);
    assert.ok(sub.subscribed[2].recovered && sub.seen.length === 52, 'nothing missed, nothing sent');
  });

  test(`${name}: a position of another life is not recovered`, async () => {
    const made = connect(Codec, annToken);
    const sub = listen(made, room, { since: { offset: 1, epoch: 'another' } });
    await sub.ready(5_000);
    const [context] = sub.subscribed;
    assert.ok(context.wasRecovering && !context.recovered);
    assert.equal(sub.seen.length, 0);
    assert.ok(context.streamPosition.offset > 0);
  });

  test(`${name}: history is paged both ways`, async () => {
    const made = connect(Codec, annToken);
    for (let number = 0; number < 7; number++) await say(made, 'chat:KRW-ETH', `page ${number}`);
    const top = await made.history('chat:KRW-ETH');
    assert.equal(top.publications.length, 0);
    const newest = await made.history('chat:KRW-ETH', { limit: 3, reverse: true });
    assert.deepEqual(newest.publications.map((said) => said.offset), [top.offset, top.offset - 1, top.offset - 2]);
    const since = { offset: top.offset - 2, epoch: top.epoch };
    const forward = await made.history('chat:KRW-ETH', { limit: 10, since });
    assert.deepEqual(forward.publications.map((said) => read(said.data).content), ['page 5', 'page 6']);
    const first = await made.history('chat:KRW-ETH', { limit: 1 });
    assert.equal(first.publications[0].offset, 1);
    await assert.rejects(made.history('chat:KRW-ETH', { limit: 1, since: { offset: 1, epoch: 'x' } }), { code: 112 });
    await assert.rejects(made.history('ticker:KRW-BTC', { limit: 1 }), { code: 108 });
  });

  test(`${name}: presence, joins and leaves`, async () => {
    const channel = 'chat:KRW-XRP';
    const [one, other] = [connect(Codec, annToken), connect(Codec, annToken)];
    const sub = listen(one, channel, { joinLeave: true });
    const [joins, leaves] = [[], []];
    sub.on('join', (context) => joins.push(context.info.client));
    sub.on('leave', (context) => leaves.push(context.info.client));
    await sub.ready(5_000);
    const theirs = listen(other, channel);
    await theirs.ready(5_000);
    const { clients } = await one.presence(channel);
    assert.equal(Object.keys(clients).length, 2);
    assert.equal(read(Object.values(clients)[0].connInfo).name, ann.username);
    const stats = await one.presenceStats(channel);
    assert.deepEqual([stats.numClients, stats.numUsers], [2, 1]);
    other.cut();
    other.disconnect();
    await eventually('the other has left', () => leaves.length === 1);
    assert.equal(joins.length, 2);
    assert.equal(leaves[0], joins[1]);
    one.disconnect();
  });

  test(`${name}: prices, the last one at once; anybody may watch`, async () => {
    const made = connect(Codec, undefined);
    const sub = listen(made, 'ticker:KRW-BTC');
    await eventually('a price', () => sub.seen.length > 0);
    assert.equal(sub.seen[0].data.code, 'KRW-BTC');
    const chat = listen(made, room);
    let refused;
    chat.on('unsubscribed', (context) => (refused = context.code));
    await eventually('nobody in particular may not chat', () => refused === 103);
  });

  test(`${name}: channels that one may not have are lost for good, the others stay`, async () => {
    const made = connect(Codec, annToken);
    const kept = listen(made, room);
    const codes = {};
    for (const channel of ['nope:1', 'chat:KRW-NOPE', 'user:#1']) {
      listen(made, channel).on('unsubscribed', (context) => (codes[channel] = context.code));
    }
    await kept.ready(5_000);
    await eventually('three are refused', () => Object.keys(codes).length === 3);
    assert.deepEqual(codes, { 'nope:1': 102, 'chat:KRW-NOPE': 102, 'user:#1': 103 });
    await assert.rejects(call(made, 'x', {}), { code: 108 });
    await assert.rejects(publish(made, room, { content: ' ' }), { code: 107 });
    await assert.rejects(publish(made, 'ticker:KRW-BTC', {}), { code: 103 });
    assert.equal(made.state, 'connected');
  });

  test(`${name}: many publishes in one frame are answered one by one`, async () => {
    const made = connect(Codec, annToken);
    await made.ready(5_000);
    made.startBatching();
    const all = Array.from({ length: 20 }, (_, number) => say(made, room, `batched ${number}`));
    made.stopBatching();
    assert.equal((await Promise.all(all)).length, 20);
  });

  test(`${name}: one's own channel comes by itself, and what one is told of comes in it`, async () => {
    const told = [];
    const cho = await person(`cho-${name[0]}`);
    const made = client(Codec, await cho.token());
    open.push(made);
    made.on('publication', (context) => told.push({ ...context, data: read(context.data) }));
    const subscribed = new Promise((resolve) => made.on('subscribed', resolve));
    made.connect();
    const { channel } = await subscribed;
    assert.match(channel, /^user:#\d+$/);
    let code;
    listen(made, channel).on('unsubscribed', (context) => (code = context.code));
    await eventually('it cannot be had twice', () => code === 105);
    await follow(boToken, channel.slice('user:#'.length));
    await eventually('somebody follows', () => told.length === 1);
    assert.equal(told[0].channel, channel);
    assert.deepEqual([told[0].data.kind, told[0].data.actor.name], ['follow', bo.username]);
  });

  test(`${name}: a forged token is the end`, async () => {
    const forged = connect(Codec, `${annToken}x`);
    let end;
    forged.on('disconnected', (context) => (end = context.code));
    await eventually('sent away', () => end === 3500);
  });
}

