// What a close code asks of the page. The server's list is docs/protocol/chat.md, "Close codes".

/**
 * `reconnect`: come back after a pause. `renew`: get a new access token first. `stop`: do not come back; `reason`
 * names the sentence that says why.
 */
export function closePolicy(code) {
  if (code === 3005) return { action: 'renew' };
  if (code === 1009) return { action: 'stop', reason: 'closed_too_big' };
  if (code >= 3500 && code <= 3999) return { action: 'stop', reason: REASONS[code] ?? 'closed_for_good' };
  return { action: 'reconnect' };
}

const REASONS = {
  3503: 'closed_logged_out',
  3504: 'closed_too_many_sockets',
  3510: 'closed_unknown_room',
};
