// What people need to know about the connection, and no more than that.

import { html, signal, useEffect, useState } from '../html.js';
import { connection, hurry } from '../live.js';
import { isStale, markets } from '../markets.js';
import { text } from '../text.js';
import { Icon } from './icon.js';

/** Shorter breaks are nobody's business. */
const PATIENCE_MS = 1_500;

const isOnline = signal(globalThis.navigator?.onLine !== false);
addEventListener('online', () => (isOnline.value = true));
addEventListener('offline', () => (isOnline.value = false));

/** `offline`, `reconnecting`, `stopped`, `stale` or `null`. */
function useTrouble() {
  const { state, since } = connection.value;
  const [, look] = useState(0);
  const waited = Date.now() - since;
  useEffect(() => {
    if (state === 'open' || waited > PATIENCE_MS) return undefined;
    const timer = setTimeout(() => look((times) => times + 1), PATIENCE_MS - waited + 10);
    return () => clearTimeout(timer);
  });
  if (!isOnline.value) return 'offline';
  if (state === 'stopped') return 'stopped';
  if (state !== 'open' && waited > PATIENCE_MS) return 'reconnecting';
  return isStale.value && markets.value ? 'stale' : null;
}

export function Banner() {
  const trouble = useTrouble();
  return html`<div class="banner-place" role="status">${trouble && html`<div class="banner ${trouble}">
    <${Icon} name="offline" size=${18} />
    <p>${text(`trouble_${trouble}`)}</p>
    ${trouble === 'reconnecting' && html`<button type="button" class="quiet small" onClick=${hurry}>${text('now')}</button>`}
    ${trouble === 'stopped' && html`<button type="button" class="quiet small" onClick=${() => location.reload()}>${text('reload')}</button>`}
  </div>`}</div>`;
}
