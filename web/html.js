// The library that draws, under one roof: markup in template strings, hooks, and signals that redraw what has read them.

import htm from './vendor/htm.js';
import { h } from './vendor/preact.js';

export { Fragment, render } from './vendor/preact.js';
export { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from './vendor/preact-hooks.js';
export { batch, computed, effect, signal, useComputed, useSignal } from './vendor/signals.js';

/** Markup. What is put in is text, never HTML. */
export const html = htm.bind(h);
