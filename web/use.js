// Hooks that more than one view needs.

import { useEffect, useLayoutEffect, useRef, useState } from './html.js';

/** What `load()` answers, again whenever one of `inputs` changes: `{ data, error, isLoading, reload, set }`. */
export function useLoaded(load, inputs) {
  const [state, setState] = useState({ data: null, error: null, isLoading: true });
  const turn = useRef(0);
  const run = async (isFresh) => {
    const mine = ++turn.current;
    setState((before) => ({ data: isFresh ? null : before.data, error: null, isLoading: true }));
    try {
      const data = await load();
      if (turn.current === mine) setState({ data, error: null, isLoading: false });
    } catch (error) {
      if (turn.current === mine) setState((before) => ({ data: before.data, error, isLoading: false }));
    }
  };
  useEffect(() => {
    run(true);
    return () => {
      turn.current += 1;
    };
  }, inputs);
  const set = (change) => setState((before) => ({ ...before, data: change(before.data) }));
  return { ...state, reload: () => run(false), set };
}

/** Pages that were read lately, so that the way back leads to the same place. */
const kept = new Map();
const KEPT_MAX = 12;

/**
 * A list in pages. `load(cursor)` answers `{ items, cursor }`. With a `key`, what was read survives the view for a while.
 * `{ items, error, isLoading, hasMore, more, reload, update }`
 */
export function usePages(load, inputs, key = null) {
  const empty = { items: null, cursor: null, error: null, isLoading: true };
  const [state, setState] = useState(() => kept.get(key) ?? empty);
  const turn = useRef(0);
  const current = useRef(state);
  current.current = state;
  const become = (next) => {
    setState(next);
    if (key === null || next.items === null) return;
    kept.delete(key);
    kept.set(key, { ...next, isLoading: false });
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value);
  };
  const run = async (cursor, before) => {
    const mine = ++turn.current;
    setState((known) => ({ ...known, items: before, error: null, isLoading: true }));
    try {
      const page = await load(cursor);
      if (turn.current !== mine) return;
      const known = new Set((before ?? []).map(({ id }) => id));
      const items = [...(before ?? []), ...page.items.filter(({ id }) => id === undefined || !known.has(id))];
      become({ items, cursor: page.cursor ?? null, error: null, isLoading: false });
    } catch (error) {
      if (turn.current === mine) setState((was) => ({ ...was, error, isLoading: false }));
    }
  };
  useEffect(() => {
    const known = kept.get(key);
    if (known) setState(known);
    run(null, known?.items ?? null).then(() => undefined);
    return () => {
      turn.current += 1;
    };
  }, inputs);
  return {
    ...state,
    hasMore: state.cursor !== null,
    more: () => !current.current.isLoading && current.current.cursor !== null && run(current.current.cursor, current.current.items),
    reload: () => run(null, null),
    update: (change) => become({ ...current.current, items: change(current.current.items ?? []) }),
  };
}

/** Forgets what was read: somebody else is logged in, or something was written. */
export const forgetPages = () => kept.clear();

/** Runs `action` when the element comes into sight, and what it returned when it leaves. */
export function useSight(action, inputs, margin = '200px') {
  const node = useRef(null);
  useEffect(() => {
    if (!node.current) return undefined;
    let leave = null;
    const observer = new IntersectionObserver(([{ isIntersecting }]) => {
      if (isIntersecting && !leave) leave = action() ?? (() => {});
      else if (!isIntersecting && leave) {
        leave();
        leave = null;
      }
    }, { rootMargin: margin });
    observer.observe(node.current);
    return () => {
      observer.disconnect();
      leave?.();
    };
  }, inputs);
  return node;
}

/** The title of the window, and the focus on the view's heading when it was reached by a link. */
export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} · Tickroom` : 'Tickroom';
  }, [title]);
}

/** Draws again so often, for times that grow old. */
export function useEvery(milliseconds) {
  const [, draw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => draw((times) => times + 1), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}

/** Makes a text field as high as its text. */
export function useGrowth(value, maxPx) {
  const node = useRef(null);
  useLayoutEffect(() => {
    if (!node.current) return;
    node.current.style.height = 'auto';
    node.current.style.height = `${Math.min(maxPx, node.current.scrollHeight + 2)}px`;
  }, [value]);
  return node;
}

/** Does something that may fail: `[run, isBusy, error, clear]`. A second one waits until the first is done. */
export function useAction(action) {
  const [state, setState] = useState({ isBusy: false, error: null });
  const isBusy = useRef(false);
  const run = async (...values) => {
    if (isBusy.current) return undefined;
    isBusy.current = true;
    setState({ isBusy: true, error: null });
    try {
      const result = await action(...values);
      setState({ isBusy: false, error: null });
      return result;
    } catch (error) {
      setState({ isBusy: false, error });
      return undefined;
    } finally {
      isBusy.current = false;
    }
  };
  return [run, state.isBusy, state.error, () => setState({ isBusy: false, error: null })];
}
