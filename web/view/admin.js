// For administrators: accounts, markets, backfills, dead letters, and how the server is.

import { admin } from '../api.js';
import { html, useState } from '../html.js';
import { INTERVALS } from '../candles.js';
import { Ago, Empty, Failure, Pages, Refusal, Tabs, Waiting } from '../part/piece.js';
import { say, sayFailed } from '../part/toast.js';
import { href } from '../router.js';
import { isAdmin, me } from '../session.js';
import { text } from '../text.js';
import { useAction, useEvery, useLoaded, usePages, useTitle } from '../use.js';
import { Search } from './markets.js';

const TABS = ['server', 'accounts', 'markets', 'backfills', 'dead_letters'];

async function attempt(action, after) {
  try {
    await action();
    after();
  } catch (error) {
    sayFailed(error);
  }
}

function Loaded({ load, children }) {
  const { data, error, reload } = useLoaded(load, []);
  if (!data) return error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Waiting} kind="line" />`;
  return children(data, reload);
}

function Server() {
  useEvery(60_000);
  return html`<${Loaded} load=${admin.ready}>${(ready, reload) => html`<dl class="facts">
    ${[['state', text(ready.ready ? 'is_ready' : 'is_not_ready')], ['sockets', ready.sockets], ['rooms_running', ready.rooms_running],
      ['writer', `${ready.writer.stored} / ${ready.writer.queued} / ${ready.writer.failures}`],
      ['feed', ready.feed ? `${ready.feed.markets} · ${ready.feed.last_tick_age_ms ?? '–'} ms` : '–'],
      ['actors', Object.entries(ready.actors).map(([name, { up, restarts }]) => `${name} ${up ? '✓' : '✗'}${restarts > 0 ? ` (${restarts})` : ''}`).join(', ')],
    ].map(([name, value]) => html`<div key=${name}><dt>${text(`server_${name}`)}</dt><dd>${value}</dd></div>`)}</dl>
    <button type="button" class="quiet small" onClick=${reload}>${text('reload')}</button>`}</${Loaded}>`;
}

function Accounts() {
  const [q, setQ] = useState('');
  const pages = usePages(async (cursor) => {
    const page = await admin.accounts({ q, cursor });
    return { items: page.users, cursor: page.next_cursor };
  }, [q]);
  const change = (id, news) => pages.update((items) => items.map((one) => (one.id === id ? { ...one, ...news } : one)));
  const role = ({ id, role: before }) => {
    const next = before === 'admin' ? 'user' : 'admin';
    attempt(() => admin.setRole(id, next), () => change(id, { role: next }));
  };
  const suspend = ({ id, suspended_at: at }) => attempt(() => admin.suspend(id, !at), () => change(id, { suspended_at: at ? null : new Date().toISOString() }));
  return html`<${Search} value=${q} onInput=${setQ} label=${text('search')} hint=${text('search_accounts')} />
    <${Pages} pages=${pages} kind="line" listClass="table-list" empty=${html`<${Empty} icon="people" title=${text('no_people')} />`} each=${(one) => html`<li key=${one.id}>
      <div><p><a class="name" href=${href('user', one.id)}>${one.username}</a> ${one.role === 'admin' && html`<span class="badge">${text('admin')}</span>`} ${one.suspended_at && html`<span class="badge warn">${text('suspended_account')}</span>`}</p><p class="faint small">${one.email}</p></div>
      ${one.id !== me.value.id && html`<div class="row"><button type="button" class="quiet small" onClick=${() => role(one)}>${text(one.role === 'admin' ? 'make_user' : 'make_admin')}</button>
        <button type="button" class="quiet small" onClick=${() => suspend(one)}>${text(one.suspended_at ? 'lift_suspension' : 'suspend')}</button></div>`}</li>`} />`;
}

function MarketsTab() {
  return html`<${Loaded} load=${admin.markets}>${({ markets }, reload) => html`<ul class="table-list">${markets.map((one) => html`<li key=${one.code}>
    <div><p>${one.korean_name} <span class="faint">${one.code}</span> ${one.silent && html`<span class="badge warn">${text('silent')}</span>`}</p></div>
    <label class="switch"><span class="hidden">${one.code}</span><input type="checkbox" role="switch" checked=${one.active} onChange=${() => attempt(() => admin.activate(one.code, !one.active), reload)} /></label></li>`)}</ul>`}</${Loaded}>`;
}

function Backfills() {
  const [run, isBusy, error] = useAction(async (values, reload) => {
    await admin.backfill({ market: values.market, interval: values.interval, from: new Date(values.from).toISOString() });
    say(text('saved'));
    reload();
  });
  return html`<${Loaded} load=${admin.backfills}>${({ backfills }, reload) => html`<form class="row" onSubmit=${(event) => { event.preventDefault(); run(Object.fromEntries(new FormData(event.target)), reload); }}>
      <label>${text('market')} <input name="market" required value="KRW-BTC" /></label>
      <label>${text('interval')} <select name="interval">${INTERVALS.map((one) => html`<option key=${one}>${one}</option>`)}</select></label>
      <label>${text('from')} <input name="from" type="date" required /></label>
      <button type="submit" class="small" disabled=${isBusy}>${text('begin')}</button></form>
    <${Refusal} error=${error && { ...error, errors: [] }} />
    ${backfills.length === 0 ? html`<${Empty} icon="chart" title=${text('no_backfills')} />` : html`<ul class="table-list">${backfills.map((one) => html`<li key=${one.id}><div><p>${one.market} ${one.interval} · ${Math.round(one.progress * 100)}%</p><p class="faint small">${one.state} ${one.failure}</p></div>
      ${!one.finished_at && html`<button type="button" class="quiet small" onClick=${() => attempt(() => admin.cancelBackfill(one.id), reload)}>${text('cancel')}</button>`}</li>`)}</ul>`}`}</${Loaded}>`;
}

function DeadLetters() {
  return html`<${Loaded} load=${() => admin.deadLetters({})}>${({ dead_letters: letters }, reload) => (letters.length === 0 ? html`<${Empty} icon="bell" title=${text('no_dead_letters')} />`
    : html`<ul class="table-list">${letters.map((one) => html`<li key=${one.id}><div><p>${one.kind} <span class="faint"><${Ago} at=${one.failed_at} /></span></p><p class="faint small">${one.reason}</p></div>
      <div class="row"><button type="button" class="quiet small" onClick=${() => attempt(() => admin.replay(one.id), reload)}>${text('retry')}</button>
      <button type="button" class="quiet small" onClick=${() => attempt(() => admin.discard(one.id), reload)}>${text('discard')}</button></div></li>`)}</ul>`)}</${Loaded}>`;
}

const VIEWS = { server: Server, accounts: Accounts, markets: MarketsTab, backfills: Backfills, dead_letters: DeadLetters };

export function Admin({ tab }) {
  useTitle(text('admin'));
  if (!isAdmin()) return html`<${Empty} icon="admin" title=${text('only_admins')} />`;
  const chosen = TABS.includes(tab) ? tab : 'server';
  return html`<div class="page reading"><div class="head"><h1>${text('admin')}</h1></div>
    <${Tabs} label=${text('show')} options=${TABS.map((name) => [name, text(`admin_${name}`)])} chosen=${chosen} hrefOf=${(name) => href('admin', name)} />
    <${VIEWS[chosen]} /></div>`;
}
