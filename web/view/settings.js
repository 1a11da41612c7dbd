// What one may choose: the looks of the page, what one is told of, and the account.

import * as api from '../api.js';
import { html } from '../html.js';
import { Ago, Failure, Tabs, Waiting } from '../part/piece.js';
import { Danger, Password, Profile } from '../part/profile.js';
import { sayFailed } from '../part/toast.js';
import * as prefs from '../prefs.js';
import { me } from '../session.js';
import { text } from '../text.js';
import { useLoaded, useTitle } from '../use.js';

const KINDS = ['follow', 'post', 'comment', 'reply', 'post_like', 'comment_like', 'mention'];

function Choice({ label, options, choice }) {
  return html`<div class="choice"><span>${label}</span><${Tabs} label=${label} options=${options} chosen=${choice.value} onChoose=${(value) => (choice.value = value)} /></div>`;
}

function Looks() {
  return html`<section class="panel"><h2>${text('looks')}</h2>
    <${Choice} label=${text('language')} choice=${prefs.language} options=${[['ko', '한국어'], ['en', 'English']]} />
    <${Choice} label=${text('theme')} choice=${prefs.theme} options=${prefs.THEMES.map((name) => [name, text(`theme_${name}`)])} />
    <${Choice} label=${text('price_colours')} choice=${prefs.colours} options=${prefs.COLOURS.map((name) => [name, text(`colours_${name}`)])} />
    <p class="sample"><span class="figure rise">▲ ${text('rise')} +1.20%</span><span class="figure fall">▼ ${text('fall')} −0.80%</span></p></section>`;
}

function Kinds() {
  const { data, error, reload, set } = useLoaded(() => api.notificationSettings(), []);
  const toggle = async (kind) => {
    const wanted = { ...data, [kind]: !data[kind] };
    set(() => wanted);
    try {
      await api.changeNotificationSettings({ [kind]: wanted[kind] });
    } catch (refused) {
      sayFailed(refused);
      reload();
    }
  };
  return html`<section class="panel"><h2>${text('notifications')}</h2>
    ${data ? KINDS.map((kind) => html`<label key=${kind} class="switch"><span>${text(`kind_${kind}`)}</span><input type="checkbox" role="switch" checked=${data[kind]} onChange=${() => toggle(kind)} /></label>`)
      : error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Waiting} kind="line" />`}</section>`;
}

function Sessions() {
  const { data, error, reload } = useLoaded(() => api.sessions(), []);
  const end = async (action) => {
    try {
      await action();
    } catch (refused) {
      sayFailed(refused);
    }
    reload();
  };
  return html`<section class="panel"><h2>${text('logins')}</h2>
    ${data ? html`<ul class="login-list">${data.sessions.map((one) => html`<li key=${one.id}><div><p>${one.device ?? one.user_agent ?? text('unknown_device')} ${one.current && html`<span class="badge">${text('this_one')}</span>`}</p>
        <p class="faint small">${one.address} · <${Ago} at=${one.last_used_at} /></p></div>
        ${!one.current && html`<button type="button" class="quiet small" onClick=${() => end(() => api.endSession(one.id))}>${text('end')}</button>`}</li>`)}</ul>
      ${data.sessions.length > 1 && html`<button type="button" class="quiet small" onClick=${() => end(api.endOtherSessions)}>${text('end_others')}</button>`}`
      : error ? html`<${Failure} error=${error} onRetry=${reload} />` : html`<${Waiting} kind="line" />`}</section>`;
}

export function Settings() {
  useTitle(text('settings'));
  return html`<div class="page reading settings"><div class="head"><h1>${text('settings')}</h1></div>
    <${Looks} />${me.value && html`<${Profile} key=${me.value.id} /><${Kinds} /><${Sessions} /><${Password} /><${Danger} />`}</div>`;
}
