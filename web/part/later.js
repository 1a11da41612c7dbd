// Parts of the page that are fetched when they are shown for the first time.

import { html } from '../html.js';
import { useLoaded } from '../use.js';
import { Failure, Waiting } from './piece.js';

/** A view in place of one that `load()` brings. */
export function later(load) {
  let Known = null;
  return function Later(props) {
    const { error } = useLoaded(async () => (Known ??= await load()), []);
    if (Known) return html`<${Known} ...${props} />`;
    // A module that could not be fetched once is not asked for again by the browser; the whole page is.
    return html`<div class="page reading">${error ? html`<${Failure} error=${{ status: 0 }} onRetry=${() => location.reload()} />` : html`<${Waiting} rows=${2} />`}</div>`;
  };
}
