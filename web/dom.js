// Makes elements. What people wrote gets in as text and nothing else: no function here takes HTML.

/**
 * An element with attributes and children. `on…` attributes are listeners, `false`, `null` and `undefined` leave an
 * attribute out, strings become text.
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Sets the text only if it differs, so that nothing is laid out or read aloud anew for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes the children of `parent` those of `rows`, each `{ key, version, make() }`, and leaves alone what has not
 * changed: a selection, a focus and the scroll position survive.
 */
export function reconcile(parent, rows) {
  const known = new Map(Array.from(parent.children, (child) => [child.dataset.key, child]));
  let next = parent.firstElementChild;
  for (const { key, version, make } of rows) {
    let child = known.get(key);
    known.delete(key);
    if (child && child.dataset.version === version) {
      if (child === next) {
        next = next.nextElementSibling;
        continue;
      }
    } else {
      const made = make();
      Object.assign(made.dataset, { key, version });
      if (child === next) next = next?.nextElementSibling ?? null;
      child?.remove();
      child = made;
    }
    parent.insertBefore(child, next);
  }
  for (const gone of known.values()) gone.remove();
}

/** Runs `draw` once in the next frame, however often it was asked for. */
export function oncePerFrame(draw) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      draw();
    });
  };
}
