// Small pieces that every view is made of.

import { html, useEffect, useRef, useState } from '../html.js';
import { href } from '../router.js';
import { ago, moment } from '../format.js';
import { fieldText, requestText, text } from '../text.js';
import { useEvery } from '../use.js';
import { Icon } from './icon.js';

const MINUTE_MS = 60_000;

/** One of so many colours, always the same for one person. */
const HUES = 8;
const hueOf = (id) => [...String(id)].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) % 9973, 7) % HUES;

/** A picture, or the first letter of the name. */
export function Avatar({ id, name, picture, size = 'm' }) {
  const [isBroken, setBroken] = useState(false);
  useEffect(() => setBroken(false), [picture]);
  if (picture && !isBroken) {
    return html`<img class="avatar ${size}" src=${picture} alt="" loading="lazy" onError=${() => setBroken(true)} />`;
  }
  return html`<span class="avatar ${size} hue-${hueOf(id)}" aria-hidden="true">${[...(name || '?')][0].toUpperCase()}</span>`;
}

/** Somebody's name, which leads to them. */
export function Name({ user }) {
  const name = user?.username ?? user?.name;
  if (!name) return html`<span class="faint">${text('nobody')}</span>`;
  return html`<a class="name" href=${href('user', user.id)}><bdi>${name}</bdi></a>`;
}

export function Ago({ at }) {
  useEvery(MINUTE_MS);
  const time = typeof at === 'number' ? at : Date.parse(at);
  if (!Number.isFinite(time)) return null;
  return html`<time datetime=${new Date(time).toISOString()} title=${moment(time)}>${ago(time)}</time>`;
}

/** What there is to see where there is nothing. */
export function Empty({ icon = 'posts', title, children }) {
  return html`<div class="empty"><${Icon} name=${icon} size=${32} /><p class="strong">${title}</p>${children}</div>`;
}

/** What went wrong, and a way to try again. */
export function Failure({ error, onRetry }) {
  return html`<div class="empty failure" role="alert">
    <${Icon} name="offline" size=${32} />
    <p class="strong">${error.status === 404 ? text('not_found') : requestText(error)}</p>
    ${onRetry && error.status !== 404 && html`<button type="button" onClick=${onRetry}>${text('retry')}</button>`}
  </div>`;
}

/** Grey lines where something will be, of about its height. */
export function Waiting({ rows = 4, kind = 'card' }) {
  return html`<div class="waiting ${kind}" role="status" aria-label=${text('loading')}>
    ${Array.from({ length: rows }, (_, at) => html`<div key=${at} class="bone"><i /><i /><i /></div>`)}
  </div>`;
}

/** A list in pages with its states; `each` draws an item. */
export function Pages({ pages, each, empty, kind = 'card', listClass = 'stack' }) {
  const { items, error, isLoading, hasMore, more, reload } = pages;
  if (items === null) return error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Waiting} kind=${kind} />`;
  if (items.length === 0 && !isLoading) return empty;
  return html`<ul class=${listClass}>${items.map(each)}</ul>
    ${error && html`<${Failure} error=${error} onRetry=${more} />`}
    ${hasMore && !error && html`<button type="button" class="quiet wide" disabled=${isLoading} onClick=${more}>
      ${isLoading ? text('loading') : text('more')}</button>`}`;
}

/** A labelled field with its hint and what the server found wrong with it. `error` is the whole refusal. */
export function Field({ name, label, hint, error, children, ...rest }) {
  const mistake = error?.errors?.find(({ field }) => field === name || field.startsWith(`${name}[`));
  const id = `field-${name}`;
  const described = [hint && `${id}-hint`, mistake && `${id}-mistake`].filter(Boolean).join(' ') || null;
  const common = { id, name, 'aria-describedby': described, 'aria-invalid': mistake ? 'true' : null, ...rest };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children ? children(common) : html`<input ...${common} />`}
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${mistake && html`<p class="mistake" id="${id}-mistake" role="alert">${fieldText(mistake)}</p>`}
  </div>`;
}

/** What is wrong with the whole, unless fields say it. */
export function Refusal({ error }) {
  if (!error || error.errors?.length > 0) return null;
  return html`<p class="mistake" role="alert">${requestText(error)}</p>`;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ question, action, onYes, onNo }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`<dialog ref=${dialog} class="confirm" onClose=${onNo} aria-label=${question}>
    <p>${question}</p>
    <div class="row end">
      <button type="button" class="quiet" onClick=${() => dialog.current.close()}>${text('cancel')}</button>
      <button type="button" class="danger" onClick=${() => { onYes(); dialog.current.close(); }}>${action}</button>
    </div>
  </dialog>`;
}

/** A button that opens a list of deeds: `[{ label, onChoose }]`. */
export function Menu({ label, deeds, children, buttonClass = 'icon-button' }) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef(null);
  useEffect(() => {
    if (!isOpen) return undefined;
    const leave = (event) => {
      if (event.type === 'keydown' && event.key !== 'Escape') return;
      if (event.type === 'pointerdown' && root.current?.contains(event.target)) return;
      setOpen(false);
      if (event.type === 'keydown') root.current?.querySelector('button')?.focus();
    };
    document.addEventListener('pointerdown', leave);
    document.addEventListener('keydown', leave);
    return () => {
      document.removeEventListener('pointerdown', leave);
      document.removeEventListener('keydown', leave);
    };
  }, [isOpen]);
  const choose = (deed) => () => {
    setOpen(false);
    deed.onChoose?.();
  };
  return html`<div class="menu" ref=${root}>
    <button type="button" class=${buttonClass} aria-haspopup="true" aria-expanded=${isOpen} aria-label=${label} onClick=${() => setOpen(!isOpen)}>
      ${children ?? html`<${Icon} name="more" />`}</button>
    ${isOpen && html`<ul>${deeds.filter(Boolean).map((deed) => html`<li key=${deed.label}>
      ${deed.href ? html`<a href=${deed.href} onClick=${choose(deed)}>${deed.label}</a>`
        : html`<button type="button" class=${deed.isDangerous ? 'danger-text' : ''} onClick=${choose(deed)}>${deed.label}</button>`}</li>`)}</ul>`}
  </div>`;
}

/** One of several, side by side. Links where `hrefOf` is given. */
export function Tabs({ label, options, chosen, onChoose, hrefOf }) {
  return html`<div class="tabs" role=${hrefOf ? 'navigation' : 'group'} aria-label=${label}>
    ${options.map(([value, name]) => (hrefOf
      ? html`<a key=${value} href=${hrefOf(value)} aria-current=${value === chosen ? 'page' : null}>${name}</a>`
      : html`<button key=${value} type="button" aria-pressed=${value === chosen} onClick=${() => onChoose(value)}>${name}</button>`))}
  </div>`;
}
