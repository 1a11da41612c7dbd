// Short words about what has just happened, which go by themselves.

import { html, signal } from '../html.js';
import { requestText } from '../text.js';

const STAY_MS = 5_000;
const shown = signal([]);
let next = 1;

export function say(words) {
  const id = next++;
  shown.value = [...shown.value.slice(-2), { id, words }];
  setTimeout(() => {
    shown.value = shown.value.filter((one) => one.id !== id);
  }, STAY_MS);
}

export const sayFailed = (error) => say(requestText(error));

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">${shown.value.map(({ id, words }) => html`<p key=${id}>${words}</p>`)}</div>`;
}
