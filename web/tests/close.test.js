import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closePolicy } from '../close.js';
import { TEXTS } from '../text.js';

test('the range of a code says whether to come back', () => {
  for (const code of [1000, 1001, 1002, 1006, 1007, 3001, 3004, 3008, 3010, 3012, 3499, 4000]) {
    assert.deepEqual(closePolicy(code), { action: 'reconnect' }, String(code));
  }
  for (const code of [1009, 3500, 3503, 3504, 3510, 3777, 3999]) {
    assert.equal(closePolicy(code).action, 'stop', String(code));
  }
});

test('an expired connection needs a new token first', () => {
  assert.deepEqual(closePolicy(3005), { action: 'renew' });
});

test('whoever is sent away is told why, in every language', () => {
  for (const code of [1009, 3503, 3504, 3510, 3999]) {
    const { reason } = closePolicy(code);
    for (const texts of Object.values(TEXTS)) assert.ok(texts[reason], `${code} ${reason}`);
  }
});
