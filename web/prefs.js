// What the visitor chose about the looks of the page, kept in this browser.

import { effect, signal } from './vendor/signals-core.js';
import { keptStore } from './store.js';

/** The language of a browser that says this of itself: `ko` or `en`. */
export function languageOf(tag) {
  return /^ko\b/i.test(tag ?? '') ? 'ko' : 'en';
}

const read = (name, allowed, otherwise) => {
  const value = keptStore.getItem(name);
  return allowed.includes(value) ? value : otherwise;
};

export const LANGUAGES = ['ko', 'en'];
export const THEMES = ['system', 'light', 'dark'];
/** `korean`: what rises is red and what falls is blue. `western`: green and red. */
export const COLOURS = ['korean', 'western'];

export const language = signal(read('language', LANGUAGES, languageOf(globalThis.navigator?.language)));
export const theme = signal(read('theme', THEMES, 'system'));
export const colours = signal(read('colours', COLOURS, 'korean'));
/** Codes of markets with a star. */
export const favourites = signal(new Set(readList('favourites')));
/** The length of the chart's bars. */
export const interval = signal(keptStore.getItem('interval') ?? '1m');

function readList(name) {
  try {
    const list = JSON.parse(keptStore.getItem(name) ?? '[]');
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return [];
  }
}

export function toggleFavourite(code) {
  const next = new Set(favourites.value);
  if (!next.delete(code)) next.add(code);
  favourites.value = next;
}

/** Puts the choices into effect and keeps them, from now on. */
export function apply(root) {
  effect(() => {
    root.lang = language.value;
    keptStore.setItem('language', language.value);
  });
  effect(() => {
    root.dataset.theme = theme.value;
    keptStore.setItem('theme', theme.value);
  });
  effect(() => {
    root.dataset.colours = colours.value;
    keptStore.setItem('colours', colours.value);
  });
  effect(() => keptStore.setItem('favourites', JSON.stringify([...favourites.value])));
  effect(() => keptStore.setItem('interval', interval.value));
}
