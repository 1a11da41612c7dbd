// The frames of the chat socket, read into one shape. Manual: docs/protocol/chat.md.
//
// History comes over REST with other spellings (`created_at` in RFC 3339); both become the same message here, so
// that the rest of the page knows one.

/**
 * A frame as `{ type, … }`, or `null` for what is none: a newer server may send types that this page does not know.
 */
export function readFrame(text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  switch (frame?.type) {
    case 'JOINED':
      return { type: 'joined', epoch: frame.epoch, offset: frame.offset, recovered: frame.recovered };
    case 'MESSAGE':
      return { type: 'message', message: message(frame, frame.timestamp, frame.sender?.profileUrl) };
    case 'ACK':
      return { type: 'ack', id: frame.id, messageId: frame.messageId, offset: frame.offset };
    case 'ERROR':
      return { type: 'error', code: frame.code, detail: frame.message, id: frame.id, retryAfterMs: frame.retryAfterMs };
    case 'SHUTDOWN':
      return { type: 'shutdown', retryAfterMs: frame.retryAfterMs };
    default:
      return null;
  }
}

/** A message of the history. */
export function readHistoryMessage(row) {
  return message(row, Date.parse(row.created_at), row.sender?.profile_url);
}

/** The last moment that a `Date` can hold. Beyond it, formatting throws. */
const TIME_MAX_MS = 8.64e15;

function message({ offset, id, sender, content }, at, profileUrl) {
  return {
    offset,
    id,
    sender: { id: sender?.id, name: sender?.name ?? '', profileUrl: profileUrl ?? null },
    content: content ?? '',
    at: Math.abs(at) <= TIME_MAX_MS ? at : 0,
  };
}

/** The frame that says something. The server answers with an ack that bears the same `id`. */
export function writeMessage({ id, content }) {
  return JSON.stringify({ type: 'MESSAGE', content, id });
}

/** Where a room's socket is. A position with an offset asks for exactly what was missed since. */
export function chatUrl(origin, room, position) {
  const url = new URL('/ws/chat', origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.searchParams.set('room', room);
  if (Number.isSafeInteger(position?.offset)) {
    url.searchParams.set('epoch', position.epoch);
    url.searchParams.set('offset', String(position.offset));
  }
  return url.href;
}

/** Where the candles are. */
export function minuteUrl(origin) {
  const url = new URL('/ws/minute', origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/** Where the prices are. */
export function tickerUrl(origin) {
  const url = new URL('/ws/ticker', origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
