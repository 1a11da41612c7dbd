// How long to wait before connecting again.
//
// Full jitter: anything between nothing and a ceiling that doubles with each failure. After a restart of the server
// all pages come back, and only chance keeps them from coming back at once.

const BASE_MS = 500;
const CEILING_MS = 20_000;

/** Milliseconds to wait after so many failures in a row, counted from 0. */
export function backoffMs(failures, random = Math.random) {
  const ceiling = Math.min(CEILING_MS, BASE_MS * 2 ** Math.min(failures, 16));
  return Math.floor(random() * ceiling);
}
