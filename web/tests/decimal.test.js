import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFixed, formatPlain, formatRate, formatShort, fractionDigits, parseDecimal, withSign } from '../decimal.js';

const plain = (text, max) => formatPlain(parseDecimal(text), max);

test('the spellings of the exchange are read exactly', () => {
  assert.equal(plain('158219000.00000000'), '158,219,000');
  assert.equal(plain('0E-8'), '0');
  assert.equal(plain('1.5E+3'), '1,500');
  assert.equal(plain('1E-8'), '0.00000001');
  assert.equal(plain('0.00000123'), '0.00000123');
  assert.equal(plain('-12.5'), '−12.5');
  assert.equal(plain('12345678901.2345670000000000', 16), '12,345,678,901.234567');
  // 2^53 + 1, which a float would make even.
  assert.equal(plain('9007199254740993'), '9,007,199,254,740,993');
});

test('what is no reasonable number is none at all', () => {
  for (const text of ['', 'null', '1e999999999', '1e-101', '--1', '1.', '.5', '0x10', `1${'0'.repeat(200)}`, undefined, null]) {
    assert.equal(parseDecimal(text), null, String(text));
  }
});

test('rounding is half away from zero', () => {
  const fixed = (text, fraction) => formatFixed(parseDecimal(text), fraction);
  assert.equal(fixed('0.125', 2), '0.13');
  assert.equal(fixed('-0.125', 2), '−0.13');
  assert.equal(fixed('999.995', 2), '1,000.00');
  assert.equal(fixed('1', 2), '1.00');
  assert.equal(fixed('0.004', 2), '0.00');
  assert.equal(fixed('-0.004', 2), '0.00');
});

test('zeros at the end are no digits', () => {
  assert.equal(fractionDigits(parseDecimal('0.10500000')), 3);
  assert.equal(fractionDigits(parseDecimal('158219000.00000000')), 0);
  assert.equal(fractionDigits(parseDecimal('0E-8')), 0);
});

test('rates are percents with a sign', () => {
  assert.equal(formatRate(parseDecimal('0.0123456')), '+1.23%');
  assert.equal(formatRate(parseDecimal('-0.5')), '−50.00%');
  assert.equal(formatRate(parseDecimal('0')), '0.00%');
  assert.equal(formatRate(parseDecimal('-0.00001')), '0.00%');
  assert.equal(withSign(parseDecimal('5'), '5'), '+5');
});

test('large amounts are short in the units of the language', () => {
  const short = (text, language) => formatShort(parseDecimal(text), language);
  assert.equal(short('182222222222.5', 'en'), '182B');
  assert.equal(short('1234567890123', 'en'), '1.23T');
  assert.equal(short('182222222222.5', 'ko'), '1,822억');
  assert.equal(short('1234567890123', 'ko'), '1.23조');
  assert.equal(short('999.5', 'en'), '999.5');
  assert.equal(short('-2500000', 'en'), '−2.50M');
});
