import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { languageOf } from '../prefs.js';
import { fieldText, refusalText, requestText, TEXTS, text } from '../text.js';

test('both languages say the same things, with the same names in them', () => {
  const names = (sentence) => [...sentence.matchAll(/\{\w+\}/g)].map(String).sort();
  assert.deepEqual(Object.keys(TEXTS.ko), Object.keys(TEXTS.en));
  for (const key of Object.keys(TEXTS.en)) assert.deepEqual(names(TEXTS.ko[key]), names(TEXTS.en[key]), key);
});

const sources = ['', 'part/', 'view/'].flatMap((folder) => readdirSync(new URL(`../${folder}`, import.meta.url))
  .filter((name) => name.endsWith('.js')).map((name) => readFileSync(new URL(`../${folder}${name}`, import.meta.url), 'utf8')));

test('the page asks for no sentence that does not exist', () => {
  const asked = sources.flatMap((source) => [...source.matchAll(/\btext\('(\w+)'/g)].map(([, name]) => name));
  assert.ok(asked.length > 100);
  for (const name of asked) assert.ok(TEXTS.en[name], name);
});

test('no sentence is left over', () => {
  const all = sources.join('\n');
  const made = /^(error|field|interval|kind|theme|colours|trouble|server|admin)_/;
  for (const name of Object.keys(TEXTS.en)) assert.ok(made.test(name) || new RegExp(`'${name}'`).test(all), name);
});

test('the page keeps to its own content security policy', () => {
  const html = readFileSync(new URL('../index.html', import.meta.url), 'utf8');
  assert.doesNotMatch(html, /<script(?![^>]*\ssrc="\/assets\/)|<style|\sstyle=|\son\w+=|https?:\/\//i);
});

test('every refusal of the manual has a sentence, and an unknown one the server\'s', () => {
  const manual = readFileSync(new URL('../../docs/protocol/chat.md', import.meta.url), 'utf8');
  const table = manual.slice(manual.indexOf('## Error codes'), manual.indexOf('## Close codes'));
  const codes = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, code]) => code);
  assert.ok(codes.length >= 13);
  for (const code of codes) assert.ok(refusalText({ code, detail: 'words' }, 'ko').length > 0, code);
  assert.equal(refusalText({ code: 'muted', detail: 'you are muted' }, 'en'), 'The server refused it: you are muted');
});

test('a rate limit says when, in whole seconds and never in none', () => {
  assert.match(refusalText({ code: 'rate_limited', retryAfterMs: 1_200 }, 'en'), /\b2 s\b/);
  assert.match(refusalText({ code: 'rate_limited', retryAfterMs: 1 }, 'ko'), /1초/);
  assert.match(requestText({ status: 429, retryAfterS: 7 }, 'en'), /\b7 s\b/);
});

test('a failing server is not quoted, a refusal is', () => {
  assert.equal(requestText({ status: 500, code: 'internal', detail: 'boom' }, 'en'), TEXTS.en.failed_request);
  assert.equal(requestText({ status: 0 }, 'ko'), TEXTS.ko.unreachable);
  assert.equal(requestText({ status: 409, code: 'taken', detail: 'this email is already in use' }, 'en'), 'This email is already in use.');
  assert.equal(fieldText({ code: 'taken', detail: 'x' }, 'ko'), TEXTS.ko.field_taken);
});

test('what stands in braces is put in as it is', () => {
  assert.equal(text('unknown_room', { room: '{room} $& <b>' }, 'en'), 'There is no room {room} $& <b>.');
  assert.deepEqual(['ko-KR', 'ko', 'en-US', 'kok', undefined].map(languageOf), ['ko', 'ko', 'en', 'en', 'en']);
});
