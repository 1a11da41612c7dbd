// The dialog to log in, to sign up and to choose a new password in. What the server has against an input is shown at
// its field.

import { choosesPassword, MODES } from './account.js';
import * as api from './api.js';
import { element, setText } from './dom.js';
import { fieldText, requestText, text } from './text.js';

export class AuthView {
  #dialog;
  #form;
  #mode = 'login';
  /** From the link of a mail, for a new password. */
  #token = null;
  #isBusy = false;
  #onLogin;

  /** `onLogin()` is called once the cookies are set. */
  constructor({ dialog, onLogin }) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector('form');
    this.#onLogin = onLogin;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#try(() => this.#submit());
    });
    this.#part('switch').addEventListener('click', () => this.#become(MODES[this.#mode].other));
    this.#part('forgot').addEventListener('click', () => this.#become('forgot'));
    this.#part('again').addEventListener('click', () => this.#try(() => this.#sendAgain()));
    this.#part('close').addEventListener('click', () => dialog.close());
    // A click beside the dialog is one on its backdrop, which belongs to the dialog itself.
    dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  }

  open(isSignup = false) {
    this.#show(isSignup ? 'signup' : 'login');
  }

  /** Goes on where the link of a mail has led: to a new password, or with a sentence about how it went. */
  follow({ notice, token }) {
    this.#token = token;
    this.#show(token === null ? 'login' : 'reset');
    if (notice !== null) this.#notice(text(notice), { again: notice === 'error_link_invalid' });
  }

  /** In the demo: fills in one of the accounts, and offers the others. */
  offer(logins) {
    if (!logins?.length) return;
    const demo = this.#part('demo');
    const buttons = logins.map(({ username, email, password }) =>
      element('button', { type: 'button', class: 'quiet', onclick: () => this.#fill({ email, password }, true) }, username));
    demo.append(text('demo_hint'), ' ', ...buttons);
    demo.hidden = false;
    this.#fill(logins[0], false);
  }

  #fill({ email, password }, submits) {
    this.#become('login');
    this.#form.elements.email.value = email;
    this.#form.elements.password.value = password;
    if (submits) this.#try(() => this.#submit());
  }

  #part(name) {
    return this.#dialog.querySelector(`[data-part="${name}"]`);
  }

  get #fields() {
    const { username, email, password } = this.#form.elements;
    return [username, email, password];
  }

  #isOff(input) {
    return !MODES[this.#mode].fields.includes(input.name);
  }

  #show(mode) {
    this.#become(mode);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#fields.find((input) => !this.#isOff(input) && input.value === '')?.focus();
  }

  #become(mode) {
    this.#mode = mode;
    this.#clear();
    const { title, submit, otherText } = MODES[mode];
    for (const input of this.#fields) input.closest('.field').hidden = this.#isOff(input);
    this.#form.elements.password.autocomplete = choosesPassword(mode) ? 'new-password' : 'current-password';
    this.#part('password-hint').hidden = !choosesPassword(mode);
    this.#part('forgot').hidden = mode !== 'login';
    setText(this.#dialog.querySelector('h2'), text(title));
    setText(this.#form.elements.submit, text(submit));
    setText(this.#part('switch'), text(otherText));
  }

  /** One thing at a time, and what the server has against it shown. */
  async #try(action) {
    if (this.#isBusy) return;
    this.#setBusy(true);
    this.#clear();
    try {
      await action();
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      this.#refused(error);
    } finally {
      this.#setBusy(false);
    }
  }

  async #submit() {
    const [username, email, password] = this.#fields.map(({ value }) => value);
    if (this.#mode === 'forgot') {
      await api.requestReset(email);
      this.#notice(text('reset_sent', { email }));
      return;
    }
    if (this.#mode === 'reset') {
      await api.confirmReset(this.#token, password);
      this.#form.elements.password.value = '';
      this.#become('login');
      this.#notice(text('password_set'));
      return;
    }
    if (this.#mode === 'signup') {
      await api.register(username, email, password);
      // From here on the account exists: what fails now is the login.
      this.#become('login');
    }
    await api.login(email, password);
    this.#form.elements.password.value = '';
    this.#dialog.close();
    await this.#onLogin();
  }

  async #sendAgain() {
    const email = this.#form.elements.email.value;
    await api.resendVerification(email);
    this.#notice(text('mail_sent', { email }));
  }

  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    this.#form.elements.submit.disabled = isBusy;
  }

  #notice(sentence, { again = false } = {}) {
    setText(this.#part('notice'), sentence);
    this.#part('again').hidden = !again;
  }

  #refused(error) {
    if (error.code === 'email_not_verified') {
      this.#notice(text('check_mailbox', { email: this.#form.elements.email.value }), { again: true });
      return;
    }
    const shown = error.errors.filter(({ field }) => this.#fields.some((input) => input.name === field && !this.#isOff(input)));
    for (const violation of shown) this.#mark(violation.field, fieldText(violation));
    if (shown.length < Math.max(1, error.errors.length)) setText(this.#part('error'), requestText(error));
    this.#form.querySelector('[aria-invalid="true"]')?.focus();
  }

  #mark(field, sentence) {
    const input = this.#form.elements[field];
    input.setAttribute('aria-invalid', 'true');
    setText(input.closest('.field').querySelector('.problem'), sentence);
  }

  #clear() {
    setText(this.#part('error'), '');
    this.#notice('');
    for (const input of this.#fields) {
      input.removeAttribute('aria-invalid');
      setText(input.closest('.field').querySelector('.problem'), '');
    }
  }
}
