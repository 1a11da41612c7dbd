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

/** A `WebSocket` class that keeps its sockets in `.all`. */
export function fakeWebSocket() {
  return class FakeSocket {
    static all = [];
    readyState = 0;
    sent = [];

    constructor(url) {
      this.url = url;
      FakeSocket.all.push(this);
    }

    static get last() {
      return FakeSocket.all.at(-1);
    }

    send(text) {
      this.sent.push(text);
    }

    accept() {
      this.readyState = 1;
      this.onopen({});
    }

    say(frame) {
      this.onmessage({ data: JSON.stringify(frame) });
    }

    /** The other end closes, or the network does (1006). */
    drop(code = 1006) {
      this.readyState = 3;
      this.onclose({ code });
    }

    close() {
      this.readyState = 3;
      this.isClosed = true;
    }
  };
}
