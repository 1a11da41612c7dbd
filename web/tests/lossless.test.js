import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLossless } from '../lossless.js';

test('numbers keep their spelling, everything else its value', () => {
  const text = '{"a":158219000.00000000,"b":[0E-8,-1.5e+3],"c":true,"d":null,"e":"x"}';
  assert.deepEqual(parseLossless(text), { a: '158219000.00000000', b: ['0E-8', '-1.5e+3'], c: true, d: null, e: 'x' });
});

test('numbers within strings stay what they are', () => {
  const value = { 'key 1': 'a "quoted" 12.50, a \\ and 3', 'k\\"2': '7' };
  assert.deepEqual(parseLossless(JSON.stringify(value)), value);
});

test('what is no JSON is refused', () => {
  for (const text of ['', '{', '{"a":}', '{"a":1 2}', '{"a":"\\"']) assert.throws(() => parseLossless(text), SyntaxError, text);
});
