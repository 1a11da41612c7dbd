import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsOf } from '../rows.js';

const message = (offset, sender, at) => ({ offset, id: `m-${offset}`, sender: { id: sender, name: sender }, content: '', at });
const rows = (messages, rest = {}) =>
  rowsOf({ messages, pending: [], me: { id: 'me' }, isUnstored: () => false, dayOf: (at) => `day ${Math.floor(at / 86_400_000)}`, ...rest });
const kinds = (made) => made.map((row) => (row.kind === 'message' ? (row.isGrouped ? 'grouped' : 'head') : row.kind));

test('lines of one person that are close together share a head', () => {
  const made = rows([message(1, 'ann', 0), message(2, 'ann', 299_999), message(3, 'bo', 300_000), message(4, 'bo', 600_000)]);
  assert.deepEqual(kinds(made), ['day', 'head', 'grouped', 'head', 'head']);
});

test('a new day begins with its date', () => {
  const made = rows([message(1, 'ann', 86_399_000), message(2, 'ann', 86_401_000)]);
  assert.deepEqual(kinds(made), ['day', 'head', 'day', 'head']);
});

test('a row changes its version with what it shows, and with nothing else', () => {
  const messages = [message(1, 'me', 0)];
  const [, stored] = rows(messages);
  const [, unstored] = rows(messages, { isUnstored: () => true });
  assert.equal(stored.key, unstored.key);
  assert.notEqual(stored.version, unstored.version);
  assert.equal(rows(messages)[1].version, stored.version);
});

test('what is on its way stands below', () => {
  const pending = [{ id: 'a', state: 'waiting', refusal: null }];
  assert.deepEqual(kinds(rows([message(1, 'ann', 0)], { pending })), ['day', 'head', 'pending']);
});
