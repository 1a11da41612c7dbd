import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { choosesPassword, MODES, readLink } from '../account.js';
import { TEXTS } from '../text.js';

const at = (url) => readLink(new URL(url, 'https://tickroom.example'));

test('a followed verification link says how it went', () => {
  assert.deepEqual(at('/?verified=1'), { notice: 'verified', token: null });
  assert.deepEqual(at('/?verified=0'), { notice: 'error_link_invalid', token: null });
  assert.deepEqual(at('/?verified=maybe'), { notice: 'error_link_invalid', token: null });
});

test('the token for a new password stands behind the #, where no server sees it', () => {
  assert.deepEqual(at('/#reset=a-b_c'), { notice: null, token: 'a-b_c' });
  assert.equal(at('/?reset=a-b_c'), null);
});

test('rooms and everything else are no links of mails', () => {
  for (const url of ['/', '/#KRW-BTC', '/#reset=', '/#reset', '/?x=1#KRW-BTC', '/#%']) assert.equal(at(url), null, url);
});

test('every mode has words in both languages and fields that the view has', () => {
  const view = readFileSync(new URL('../view/account.js', import.meta.url), 'utf8');
  for (const [name, mode] of Object.entries(MODES)) {
    for (const language of ['en', 'ko'])
      for (const key of [mode.title, mode.submit, mode.otherText]) assert.ok(TEXTS[language][key], `${name}: ${key}`);
    for (const field of mode.fields) assert.ok(view.includes(`name="${field}"`), field);
    assert.ok(MODES[mode.other], name);
    assert.ok(!choosesPassword(name) || mode.fields.includes('password'), name);
  }
  for (const { notice } of [at('/?verified=1'), at('/?verified=0')]) assert.ok(TEXTS.en[notice] && TEXTS.ko[notice]);
});
