import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../backoff.js';

test('the pause is anything from nothing up to a ceiling that doubles', () => {
  const ceilings = [0, 1, 2, 3].map((failures) => backoffMs(failures, () => 0.999_999));
  assert.deepEqual(ceilings, [499, 999, 1999, 3999]);
  assert.equal(backoffMs(3, () => 0), 0);
});

test('the ceiling has an end, however often it fails', () => {
  for (const failures of [6, 100, 5_000]) assert.equal(backoffMs(failures, () => 0.5), 10_000);
});
