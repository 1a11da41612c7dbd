// Which view the address names. It stands behind the #: the server has one page, and the links of mails stay as they are.

import { signal } from './vendor/signals-core.js';

/** `#/market/KRW-BTC?x=1` as `{ name: 'market', id: 'KRW-BTC', query }`. A bare `#KRW-BTC` is a market, too. */
export function parse(hash) {
  const [path, search = ''] = hash.replace(/^#/, '').split('?');
  const parts = path.split('/').filter(Boolean).map(decode);
  const query = new URLSearchParams(search);
  if (parts.length === 0) return { name: 'markets', id: null, part: null, query };
  if (!path.startsWith('/')) return { name: 'market', id: parts[0], part: null, query };
  return { name: parts[0], id: parts[1] ?? null, part: parts[2] ?? null, query };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a view. */
export function href(name, id = null, query = {}) {
  const told = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const search = told.length > 0 ? `?${new URLSearchParams(told)}` : '';
  return `#/${name}${id === null ? '' : `/${encodeURIComponent(id)}`}${search}`;
}

export const route = signal(parse(globalThis.location?.hash ?? ''));

/** Keeps `route` in step with the address from now on. */
export function follow() {
  addEventListener('hashchange', () => {
    route.value = parse(location.hash);
  });
}

export function go(address, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, '', address);
    route.value = parse(location.hash);
  } else location.hash = address;
}

/** Where to go after a login: where the visitor came from, unless that was another such view. */
export function loginHref() {
  const here = globalThis.location.hash;
  return href('login', null, { next: /^#\/(login|signup|forgot|reset)/.test(here) ? '' : here });
}
