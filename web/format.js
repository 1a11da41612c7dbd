// Times as people say them, in the visitor's language.

import { language } from './prefs.js';

const formats = new Map();

function format(options) {
  const key = language.value + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language.value, options));
  return formats.get(key);
}

export const clock = (at) => format({ hour: '2-digit', minute: '2-digit' }).format(at);
export const day = (at) => format({ dateStyle: 'full' }).format(at);
export const date = (at) => format({ dateStyle: 'medium' }).format(at);
export const moment = (at) => format({ dateStyle: 'medium', timeStyle: 'short' }).format(at);

const STEPS = [['second', 60], ['minute', 60], ['hour', 24], ['day', 7]];

/** `3 minutes ago`; from a week on the date. */
export function ago(at, now = Date.now()) {
  let amount = Math.max(0, (now - at) / 1000);
  for (const [unit, size] of STEPS) {
    if (amount < size) {
      const relative = new Intl.RelativeTimeFormat(language.value, { numeric: 'auto', style: 'short' });
      return unit === 'second' ? relative.format(0, 'second') : relative.format(-Math.floor(amount), unit);
    }
    amount /= size;
  }
  return date(at);
}

export const count = (number) =>
  new Intl.NumberFormat(language.value, { notation: number >= 10_000 ? 'compact' : 'standard' }).format(number);
