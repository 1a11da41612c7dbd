// The REST calls of this page. Cookies carry the login, and no script gets to see them.

import { parseLossless } from './lossless.js';
import { language } from './prefs.js';

const TIMEOUT_MS = 15_000;

/** A refused request: an RFC 9457 problem document. `status` 0 means that no answer came at all. */
export class ApiError extends Error {
  constructor(status, { code = 'unreachable', detail = '', errors = [] } = {}, retryAfterS = null) {
    super(`${status} ${code}: ${detail}`);
    Object.assign(this, { status, code, detail, errors, retryAfterS });
  }
}

async function request(method, path, body, { parse = JSON.parse, headers = {} } = {}) {
  const options = { method, signal: AbortSignal.timeout(TIMEOUT_MS), headers: { 'accept-language': language.peek() } };
  if (body instanceof Blob) {
    options.body = body;
  } else if (body !== undefined) {
    options.headers['content-type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  Object.assign(options.headers, headers);
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

/** All markets, each with its last price: `{ markets, simulated, stale }`. Numbers are strings, so that no digit is lost. */
export const markets = () => request('GET', '/api/markets', undefined, { parse: parseLossless });

/** A page of candles, the newest or those before `to`. Numbers are strings. */
export function candles(market, interval, to = null, limit = 200) {
  const query = new URLSearchParams({ interval, limit });
  if (to !== null) query.set('to', to);
  return request('GET', `/api/markets/${encodeURIComponent(market)}/candles?${query}`, undefined, { parse: parseLossless });
}

/** A page of a room's history, the newest or the one before offset `before`, in the room's order. */
export async function messages(room, before = null, limit = 50) {
  const query = new URLSearchParams({ limit });
  if (before !== null) query.set('before', before);
  const page = await request('GET', `/api/rooms/${encodeURIComponent(room)}/messages?${query}`);
  return { rows: page.messages, hasOlder: (page.next_cursor ?? null) !== null };
}

export const room = (name) => request('GET', `/api/rooms/${encodeURIComponent(name)}`);

/** `/path?with=these`, without those that are empty. */
function withQuery(path, query) {
  const told = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== '');
  return told.length > 0 ? `${path}?${new URLSearchParams(told)}` : path;
}

const at = (path, id) => `${path}/${encodeURIComponent(id)}`;

/** Posts: `author`, `tag`, `market`, `q`, `sort`, `cursor`, `limit`. */
export const posts = (query) => request('GET', withQuery('/api/posts', query));
export const timeline = (query) => request('GET', withQuery('/api/timeline', query));
export const post = (id) => request('GET', at('/api/posts', id));
/** The same key again posts nothing twice. */
export const createPost = (body, key) => request('POST', '/api/posts', body, { headers: { 'idempotency-key': key } });
export const editPost = (id, body) => request('PATCH', at('/api/posts', id), body);
export const deletePost = (id) => request('DELETE', at('/api/posts', id));
export const viewPost = (id) => request('POST', `${at('/api/posts', id)}/view`);
export const likePost = (id, isLiked) => request(isLiked ? 'PUT' : 'DELETE', `${at('/api/posts', id)}/like`);
export const tags = (query = {}) => request('GET', withQuery('/api/tags', query));

export const comments = (post, query) => request('GET', withQuery(`${at('/api/posts', post)}/comments`, query));
export const replies = (comment, query) => request('GET', withQuery(`${at('/api/comments', comment)}/replies`, query));
export const createComment = (post, body, key) =>
  request('POST', `${at('/api/posts', post)}/comments`, body, { headers: { 'idempotency-key': key } });
export const editComment = (id, content) => request('PATCH', at('/api/comments', id), { content });
export const deleteComment = (id) => request('DELETE', at('/api/comments', id));
export const likeComment = (id, isLiked) => request(isLiked ? 'PUT' : 'DELETE', `${at('/api/comments', id)}/like`);

export const users = (query) => request('GET', withQuery('/api/users', query));
export const user = (id) => request('GET', at('/api/users', id));
export const follow = (id, isFollowed) => request(isFollowed ? 'PUT' : 'DELETE', `${at('/api/users', id)}/follow`);
export const followers = (id, query) => request('GET', withQuery(`${at('/api/users', id)}/followers`, query));
export const following = (id, query) => request('GET', withQuery(`${at('/api/users', id)}/following`, query));
export const updateMe = (body) => request('PATCH', '/api/users/me', body);
export const setPicture = (file) => request('PUT', '/api/users/me/avatar', file);
export const removePicture = () => request('DELETE', '/api/users/me/avatar');
export const changePassword = (current, next) =>
  request('PUT', '/api/users/me/password', { current_password: current, new_password: next });
export const deleteMe = (password) => request('DELETE', '/api/users/me', { password });

export const sessions = () => request('GET', '/api/auth/sessions');
export const endSession = (id) => request('DELETE', at('/api/auth/sessions', id));
export const endOtherSessions = () => request('DELETE', '/api/auth/sessions');
export const notificationSettings = () => request('GET', '/api/notifications/settings');
export const changeNotificationSettings = (body) => request('PUT', '/api/notifications/settings', body);
export const deleteNotification = (id) => request('DELETE', at('/api/notifications', id));

/** For administrators. */
export const admin = {
  accounts: (query) => request('GET', withQuery('/api/admin/users', query)),
  setRole: (id, role) => request('PUT', `${at('/api/admin/users', id)}/role`, { role }),
  suspend: (id, isSuspended) => request(isSuspended ? 'PUT' : 'DELETE', `${at('/api/admin/users', id)}/suspension`),
  markets: () => request('GET', '/api/admin/markets'),
  activate: (code, isActive) => request(isActive ? 'PUT' : 'DELETE', `${at('/api/admin/markets', code)}/activation`),
  backfills: () => request('GET', '/api/admin/backfills'),
  backfill: (body) => request('POST', '/api/admin/backfills', body),
  cancelBackfill: (id) => request('DELETE', at('/api/admin/backfills', id)),
  deadLetters: (query) => request('GET', withQuery('/api/admin/dead-letters', query)),
  replay: (id) => request('POST', `${at('/api/admin/dead-letters', id)}/replay`),
  discard: (id) => request('DELETE', at('/api/admin/dead-letters', id)),
  ready: () => request('GET', '/health/ready'),
};
