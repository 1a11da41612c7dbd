// A clock and a network that do what a test says.

export class FakeTimers {
  now = 0;
  #next = 1;
  #due = new Map();

  setTimeout = (action, delay) => {
    this.#due.set(this.#next, { at: this.now + delay, action });
    return this.#next++;
  };

  clearTimeout = (timer) => this.#due.delete(timer);

  /** Lets time pass, and everything happen that is due in it. */
  async pass(milliseconds) {
    const end = this.now + milliseconds;
    for (;;) {
      await settled();
      const [first] = [...this.#due].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!first) break;
      this.#due.delete(first[0]);
      this.now = Math.max(this.now, first[1].at);
      first[1].action();
    }
    this.now = end;
  }
}

/** Everything that waited for a promise has run. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

/** What `live.js` does for whoever watches a channel, with a test at the other end. */
export class FakeLive {
  channels = new Map();
  published = [];
  people = [];

  watch = (channel, on) => {
    this.channels.set(channel, on);
    return () => this.channels.delete(channel);
  };

  publish = (channel, data) => new Promise((resolve, reject) => {
    this.published.push({ channel, ...data, resolve, reject });
  });

  presence = async () => this.people;

  say(channel, data) {
    this.channels.get(channel)?.publication?.(data);
  }
}
