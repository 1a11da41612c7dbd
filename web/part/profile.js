// One's own account: what one tells of oneself, the picture, the password, and the end of it.

import * as api from '../api.js';
import { html, useRef, useState } from '../html.js';
import { me, refresh } from '../session.js';
import { text } from '../text.js';
import { useAction } from '../use.js';
import { Avatar, Field, Refusal } from './piece.js';
import { say } from './toast.js';

const PICTURES = 'image/jpeg,image/png,image/webp,image/gif';
const DETAILS = ['region', 'birth_year', 'interests'];

const wordsOf = (words) => words.split(/[\s,]+/).filter(Boolean);

function Picture() {
  const { id, username, profile_url: picture } = me.value;
  const file = useRef(null);
  const [run, isBusy, error] = useAction(async (action) => {
    await action();
    await refresh();
  });
  const choose = (event) => {
    const [chosen] = event.target.files;
    if (chosen) run(() => api.setPicture(chosen));
    event.target.value = '';
  };
  return html`<div class="picture"><${Avatar} id=${id} name=${username} picture=${picture} size="l" />
    <div><p class="row"><button type="button" class="quiet small" disabled=${isBusy} onClick=${() => file.current.click()}>${text('choose_picture')}</button>
      ${picture && html`<button type="button" class="quiet small" disabled=${isBusy} onClick=${() => run(api.removePicture)}>${text('remove_picture')}</button>`}</p>
      <input ref=${file} type="file" accept=${PICTURES} hidden onChange=${choose} aria-label=${text('choose_picture')} /><${Refusal} error=${error} /></div></div>`;
}

export function Profile() {
  const { username, intro, region, birth_year: year, interests, visibility } = me.value;
  const [shown, setShown] = useState(visibility ?? {});
  const [run, isBusy, error] = useAction(async (values) => {
    await api.updateMe({
      username: values.username,
      intro: values.intro.trim() || null,
      region: values.region.trim() || null,
      birth_year: values.birth_year ? Number(values.birth_year) : null,
      interests: wordsOf(values.interests),
      visibility: shown,
    });
    await refresh();
    say(text('saved'));
  });
  const submit = (event) => {
    event.preventDefault();
    run(Object.fromEntries(new FormData(event.target)));
  };
  return html`<section class="panel"><h2>${text('profile')}</h2><${Picture} />
    <form novalidate onSubmit=${submit}>
      <${Field} name="username" label=${text('username')} hint=${text('username_hint')} defaultValue=${username} error=${error} required />
      <${Field} name="intro" label=${text('intro')} defaultValue=${intro ?? ''} error=${error}>${(common) => html`<textarea ...${common} rows="3" />`}</${Field}>
      <${Field} name="region" label=${text('region')} hint=${text('region_hint')} defaultValue=${region ?? ''} error=${error} />
      <${Field} name="birth_year" label=${text('birth_year')} defaultValue=${year ?? ''} inputmode="numeric" maxlength="4" error=${error} />
      <${Field} name="interests" label=${text('interests')} hint=${text('interests_hint')} defaultValue=${(interests ?? []).join(', ')} error=${error} />
      <fieldset><legend>${text('who_sees')}</legend>${DETAILS.map((name) => html`<label key=${name} class="switch"><span>${text(name)}</span>
        <input type="checkbox" role="switch" checked=${shown[name] === 'public'} onChange=${(event) => setShown({ ...shown, [name]: event.target.checked ? 'public' : 'private' })} /></label>`)}</fieldset>
      <${Refusal} error=${error} /><button type="submit" disabled=${isBusy}>${text('save')}</button></form></section>`;
}

export function Password() {
  const form = useRef(null);
  const [run, isBusy, error] = useAction(async ({ current_password: current, new_password: next }) => {
    await api.changePassword(current, next);
    form.current.reset();
    say(text('password_changed'));
    await refresh();
  });
  return html`<section class="panel"><h2>${text('password')}</h2>
    <form ref=${form} novalidate onSubmit=${(event) => { event.preventDefault(); run(Object.fromEntries(new FormData(form.current))); }}>
      <${Field} name="current_password" label=${text('current_password')} type="password" autocomplete="current-password" error=${error} required />
      <${Field} name="new_password" label=${text('new_password')} hint=${text('password_hint')} type="password" autocomplete="new-password" error=${error} required />
      <${Refusal} error=${error} /><button type="submit" class="quiet" disabled=${isBusy}>${text('set_password')}</button></form></section>`;
}

export function Danger() {
  const [run, isBusy, error] = useAction(async (password) => {
    await api.deleteMe(password);
    await refresh();
    location.hash = '#/';
  });
  return html`<section class="panel"><details><summary>${text('delete_account')}</summary><p class="hint">${text('delete_account_hint')}</p>
    <form novalidate onSubmit=${(event) => { event.preventDefault(); run(new FormData(event.target).get('password')); }}>
      <${Field} name="password" label=${text('password')} type="password" autocomplete="current-password" error=${error} required />
      <${Refusal} error=${error} /><button type="submit" class="danger" disabled=${isBusy}>${text('delete_account')}</button></form></details></section>`;
}
