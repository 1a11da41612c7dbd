// What the conversation shows, line by line: days, messages, and those on their way. No DOM.

/** Lines of one person this close together share their head. */
const GROUP_MS = 5 * 60_000;

/**
 * Rows for `messages` (as {@link MessageList} gives them) and `pending` (entries of {@link Outgoing}). Each has a
 * `key` that is its own and a `version` that changes with whatever it shows.
 */
export function rowsOf({ messages, pending, me, isUnstored, dayOf }) {
  const rows = [];
  let before = null;
  for (const message of messages) {
    const day = dayOf(message.at);
    if (day !== before?.day) rows.push({ key: `day-${message.offset}`, version: day, kind: 'day', day });
    const isGrouped = before?.day === day && before.sender === message.sender.id && message.at - before.at < GROUP_MS;
    const unstored = isUnstored(message.offset);
    rows.push({
      key: `message-${message.id}`,
      version: `${isGrouped}-${unstored}`,
      kind: 'message',
      message,
      isGrouped,
      isMine: message.sender.id === me?.id,
      isUnstored: unstored,
    });
    before = { day, sender: message.sender.id, at: message.at };
  }
  for (const entry of pending) {
    const { id, state, refusal } = entry;
    rows.push({ key: `pending-${id}`, version: JSON.stringify([state, refusal]), kind: 'pending', entry });
  }
  return rows;
}
