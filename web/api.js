// The REST calls of this page. Cookies carry the login, and no script gets to see them.

import { parseLossless } from './lossless.js';

const TIMEOUT_MS = 15_000;

/** A refused request: an RFC 9457 problem document. `status` 0 means that no answer came at all. */
export class ApiError extends Error {
  constructor(status, { code = 'unreachable', detail = '', errors = [] } = {}, retryAfterS = null) {
    super(`${status} ${code}: ${detail}`);
    Object.assign(this, { status, code, detail, errors, retryAfterS });
  }
}

async function request(method, path, body, parse = JSON.parse) {
  const options = { method, signal: AbortSignal.timeout(TIMEOUT_MS) };
  if (body !== undefined) {
    options.headers = { 'content-type': 'application/json' };
    options.body = JSON.stringify(body);
  }
  let response;
  let content;
  try {
    response = await fetch(path, options);
    const text = await response.text();
    content = text === '' ? null : parse(text);
  } catch (error) {
    // What answers in something else than JSON is not the server but something on the way to it.
    throw new ApiError(error instanceof SyntaxError ? response.status : 0);
  }
  if (!response.ok) throw new ApiError(response.status, content ?? {}, Number(response.headers.get('retry-after')) || null);
  return content;
}

/** What is being served: `{ name, version, simulated, demo_logins? }`. */
export const version = () => request('GET', '/version');

/** Who is logged in, or `null`. */
export async function me() {
  try {
    return await request('GET', '/api/users/me');
  } catch (error) {
    if (error.status === 401 || error.status === 404) return null;
    throw error;
  }
}

export const login = (email, password) => request('POST', '/api/auth/login', { email, password });

export const register = (username, email, password) =>
  request('POST', '/api/auth/register', { username, email, password });

/** Sends the mail of the registration again, if there is an account that waits for it; the server does not tell. */
export const resendVerification = (email) => request('POST', '/api/auth/resend-verification', { email });

/** Asks for a link to choose a new password; whether there is such an account, the server does not tell either. */
export const requestReset = (email) => request('POST', '/api/auth/password-reset', { email });

export const confirmReset = (token, password) =>
  request('POST', '/api/auth/password-reset/confirm', { token, password });

export const logout = () => request('POST', '/api/auth/logout');

/** Gets a new access token: `renewed`, `refused` (log in again) or `unreachable`. */
export async function renew() {
  try {
    await request('POST', '/api/auth/refresh');
    return 'renewed';
  } catch (error) {
    return error.status === 401 ? 'refused' : 'unreachable';
  }
}

/** A page of what the visitor is told, the newest or the one behind `cursor`. */
export function notifications(cursor = null) {
  const query = cursor === null ? '' : `?${new URLSearchParams({ cursor })}`;
  return request('GET', `/api/notifications${query}`);
}

export const readNotification = (id) => request('POST', `/api/notifications/${encodeURIComponent(id)}/read`);

/** All up to this one. */
export const readNotifications = (upTo) => request('POST', '/api/notifications/read-all', { up_to: upTo });

export const rooms = async () => (await request('GET', '/api/rooms')).rooms;

/** All markets, each with its last price. Numbers are strings, so that no digit is lost. */
export const markets = async () => (await request('GET', '/api/markets', undefined, parseLossless)).markets;

/** A page of candles, the newest or those before `to`. Numbers are strings. */
export function candles(market, interval, to = null, limit = 200) {
  const query = new URLSearchParams({ interval, limit });
  if (to !== null) query.set('to', to);
  return request('GET', `/api/markets/${encodeURIComponent(market)}/candles?${query}`, undefined, parseLossless);
}

/** A page of a room's history, the newest or the one before offset `before`, in the room's order. */
export async function messages(room, before = null, limit = 50) {
  const query = new URLSearchParams({ limit });
  if (before !== null) query.set('before', before);
  const page = await request('GET', `/api/rooms/${encodeURIComponent(room)}/messages?${query}`);
  return { rows: page.messages, hasOlder: (page.next_cursor ?? null) !== null };
}
