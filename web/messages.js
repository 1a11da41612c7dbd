// The lines of one room, in the room's order, each once.
//
// Lines come over three ways that overlap: the socket, its replay after a reconnect, and the history over REST. The
// offset tells them apart. Offsets can be compared only within one life of the room (an epoch), so after a join that
// did not recover the page is in *doubt*: the first line that comes must be one that is here already, under the same
// offset and id, or everything here is dropped.

/** Lines kept in memory. The oldest go first. */
export const KEPT_MAX = 12_000;
/** Lines shown at once. More would make every layout slower for nobody's benefit. */
export const SHOWN_MAX = 160;

export class MessageList {
  #byOffset = new Map();
  /** Offsets, ascending. */
  #order = [];
  #inDoubt = false;
  /** Whether the history said that there is nothing before the first line here. */
  #isExhausted = false;

  get length() {
    return this.#order.length;
  }

  get oldest() {
    return this.#order[0];
  }

  get newest() {
    return this.#order.at(-1);
  }

  /** Whether the history may hold lines from before the first one here. The first line of a room has the offset 1. */
  get hasOlder() {
    return !this.#isExhausted && this.oldest > 1;
  }

  has(offset) {
    return this.#byOffset.has(offset);
  }

  /** No more can be loaded: there is none, or no place for it. */
  get isFull() {
    return this.length >= KEPT_MAX;
  }

  /** The connection was resumed without the lines in between. */
  doubt() {
    this.#inDoubt = this.length > 0;
  }

  /** A line from the socket. Returns whether it is new. */
  addLive(message) {
    this.#settle([message]);
    const isNew = this.#insert(message);
    this.#trim();
    return isNew;
  }

  /**
   * The newest page of the history. Lines between it and those here may be missing: then the newer of the two stays.
   * (The history may lag behind the socket, while the message log is down.)
   */
  addLatest(page, hasOlder) {
    if (page.length === 0) return;
    this.#settle(page);
    const pageNewest = page.at(-1).offset;
    const meets = page[0].offset <= this.newest + 1 && pageNewest >= this.oldest - 1;
    if (this.length > 0 && !meets) {
      if (pageNewest < this.oldest) return;
      this.clear();
    }
    if (this.length === 0 || page[0].offset <= this.oldest) this.#isExhausted = !hasOlder;
    page.forEach((message) => this.#insert(message));
    this.#trim();
  }

  /** The page before the oldest line here. */
  addOlder(page, hasOlder) {
    this.#isExhausted = !hasOlder;
    page.forEach((message) => this.#insert(message));
  }

  /** Up to `SHOWN_MAX` lines that end with offset `end`, or with the newest. */
  window(end = null) {
    const after = end === null ? this.length : this.#placeOf(end + 1);
    const last = Math.max(after, Math.min(this.length, SHOWN_MAX));
    return this.#order.slice(Math.max(0, last - SHOWN_MAX), last).map((offset) => this.#byOffset.get(offset));
  }

  /** The offset so many lines behind (or, below zero, before) this one, or the nearest there is. */
  step(offset, lines) {
    const place = this.#placeOf(offset) + lines;
    return this.#order[Math.max(0, Math.min(this.length - 1, place))];
  }

  /** How many lines there are behind this offset. */
  after(offset) {
    return this.length - this.#placeOf((offset ?? 0) + 1);
  }

  clear() {
    this.#byOffset.clear();
    this.#order = [];
    this.#inDoubt = false;
    this.#isExhausted = false;
  }

  #settle(messages) {
    if (!this.#inDoubt || messages.length === 0) return;
    const isSameRoom = messages.some((message) => this.#byOffset.get(message.offset)?.id === message.id);
    if (!isSameRoom) this.clear();
    this.#inDoubt = false;
  }

  #insert(message) {
    if (this.#byOffset.has(message.offset)) return false;
    this.#byOffset.set(message.offset, message);
    if (this.length === 0 || message.offset > this.newest) this.#order.push(message.offset);
    else this.#order.splice(this.#placeOf(message.offset), 0, message.offset);
    return true;
  }

  #trim() {
    // In bites, because cutting an array at its front moves all of it.
    if (this.length < KEPT_MAX + SHOWN_MAX) return;
    for (const offset of this.#order.splice(0, this.length - KEPT_MAX)) this.#byOffset.delete(offset);
    this.#isExhausted = false;
  }

  /** Where in the order the first offset stands that is not below this one. */
  #placeOf(offset) {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order[middle] < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
