// Everything that the page says, in the languages that it speaks.
//
// A sentence is found by its name. Names in braces are filled in.

import { language } from './prefs.js';
import en from './text/en.js';
import ko from './text/ko.js';

export const TEXTS = { en, ko };

/** The sentence of this name, with `{names}` filled in. */
export function text(name, values = {}, inLanguage = language.value) {
  const sentence = TEXTS[inLanguage][name] ?? TEXTS.en[name] ?? '';
  return sentence.replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ''));
}

/** Why the server refused a message. Codes that this page does not know keep the server's own words. */
export function refusalText({ code, detail, retryAfterMs }, inLanguage = language.value) {
  const name = `error_${code}`;
  const seconds = Math.max(1, Math.ceil((retryAfterMs ?? 0) / 1000));
  return name in TEXTS.en ? text(name, { seconds, detail }, inLanguage) : text('error_other', { detail: detail || code }, inLanguage);
}

/** What is wrong with a field. In English the server says it best. */
export function fieldText({ code, detail }, inLanguage = language.value) {
  const name = `field_${code}`;
  if (inLanguage === 'en' && detail) return `${detail[0].toUpperCase()}${detail.slice(1)}.`;
  return name in TEXTS.en ? text(name, {}, inLanguage) : detail;
}

/** Why a request failed, as one sentence. */
export function requestText({ status, code, detail, retryAfterS }, inLanguage = language.value) {
  if (status === 0) return text('unreachable', {}, inLanguage);
  if (status === 429) return text('wait', { seconds: retryAfterS ?? 60 }, inLanguage);
  const name = `error_${code}`;
  if (name in TEXTS.en) return text(name, {}, inLanguage);
  if (inLanguage === 'en' && detail && status < 500) return `${detail[0].toUpperCase()}${detail.slice(1)}.`;
  return text('failed_request', {}, inLanguage);
}
