// Signing up, logging in, and the way back in for who forgot the password.

import * as api from '../api.js';
import { choosesPassword, MODES } from '../account.js';
import { html, useEffect, useRef, useState } from '../html.js';
import { Field, Refusal } from '../part/piece.js';
import { go, href } from '../router.js';
import { login, me, notice, resetToken, server } from '../session.js';
import { text } from '../text.js';
import { useAction, useTitle } from '../use.js';

const FIELDS = {
  username: (mode, error) => html`<${Field} name="username" label=${text('username')} hint=${text('username_hint')} error=${error} autocomplete="nickname" maxlength="40" required />`,
  email: (mode, error) => html`<${Field} name="email" label=${text('email')} error=${error} type="email" autocomplete="email" required />`,
  password: (mode, error) => html`<${Field} name="password" label=${text('password')} hint=${choosesPassword(mode) ? text('password_hint') : null} error=${error}
    type="password" autocomplete=${choosesPassword(mode) ? 'new-password' : 'current-password'} required />`,
};

/** What is done with the fields; answers the sentence to go on with, or nothing. */
async function carryOut(mode, { username, email, password }) {
  switch (mode) {
    case 'signup':
      await api.register(username, email, password);
      return { words: text('check_mailbox', { email }), email };
    case 'forgot':
      await api.requestReset(email);
      return { words: text('reset_sent', { email }) };
    case 'reset':
      await api.confirmReset(resetToken.value, password);
      resetToken.value = null;
      notice.value = 'password_set';
      go(href('login'));
      return null;
    default:
      await login(email, password);
      return null;
  }
}

function Demo({ onChoose }) {
  const logins = server.value.demo_logins;
  if (!logins) return null;
  return html`<section class="demo"><p>${text('demo_hint')}</p><div class="row">${logins.map((one) => html`<button key=${one.email} type="button" class="quiet small" onClick=${() => onChoose(one)}>${one.username}</button>`)}</div></section>`;
}

export function Account({ mode, query }) {
  const { title, submit, fields, other, otherText } = MODES[mode];
  const [done, setDone] = useState(null);
  const form = useRef(null);
  const next = query.get('next');
  const [run, isBusy, error] = useAction(async (values) => setDone(await carryOut(mode, values)));
  const [again, isSending] = useAction(() => api.resendVerification(done.email));
  useTitle(text(title));
  useEffect(() => {
    if (me.value && mode !== 'reset') go(next?.startsWith('#') ? next : '#/', { replace: true });
  }, [me.value?.id]);
  useEffect(() => form.current?.querySelector('input')?.focus(), [mode]);
  useEffect(() => () => {
    notice.value = null;
  }, []);
  if (done) {
    return html`<div class="narrow"><h1>${text(title)}</h1><p class="notice" role="status">${done.words}</p>
      <p class="row"><a class="button" href=${href('login', null, { next })}>${text('login')}</a>
      ${done.email && html`<button type="button" class="quiet" disabled=${isSending} onClick=${again}>${text('send_again')}</button>`}</p></div>`;
  }
  const onSubmit = (event) => {
    event.preventDefault();
    run(Object.fromEntries(new FormData(form.current)));
  };
  return html`<div class="narrow"><h1>${text(title)}</h1>
    ${notice.value && html`<p class="notice ${notice.value.startsWith('error') ? 'bad' : ''}" role="status">${text(notice.value)}</p>`}
    ${mode === 'login' && html`<${Demo} onChoose=${(one) => run(one)} />`}
    <form ref=${form} onSubmit=${onSubmit} novalidate>
      ${fields.map((name) => html`<div key=${name}>${FIELDS[name](mode, error)}</div>`)}
      <${Refusal} error=${error} />
      <button type="submit" disabled=${isBusy}>${text(submit)}</button></form>
    <p class="row between"><a href=${href(other, null, { next })}>${text(otherText)}</a>
      ${mode === 'login' && html`<a href=${href('forgot')}>${text('forgot')}</a>`}</p>
  </div>`;
}
