// The dialog to log in and sign up in. What the server has against an input is shown at its field.

import * as api from './api.js';
import { element, setText } from './dom.js';
import { fieldText, requestText, text } from './text.js';

export class AuthView {
  #dialog;
  #form;
  #error;
  #isSignup = false;
  #isBusy = false;
  #onLogin;

  /** `onLogin()` is called once the cookies are set. */
  constructor({ dialog, onLogin }) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector('form');
    this.#error = dialog.querySelector('[data-part="error"]');
    this.#onLogin = onLogin;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    dialog.querySelector('[data-part="switch"]').addEventListener('click', () => this.#become(!this.#isSignup));
    dialog.querySelector('[data-part="close"]').addEventListener('click', () => dialog.close());
    // A click beside the dialog is one on its backdrop, which belongs to the dialog itself.
    dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
  }

  open(isSignup = false) {
    this.#become(isSignup);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#fields.find((input) => !this.#isOff(input) && input.value === '')?.focus();
  }

  /** In the demo: fills in one of the accounts, and offers the others. */
  offer(logins) {
    if (!logins?.length) return;
    const demo = this.#dialog.querySelector('[data-part="demo"]');
    const buttons = logins.map(({ username, email, password }) =>
      element('button', { type: 'button', class: 'quiet', onclick: () => this.#fill({ email, password }, true) }, username));
    demo.append(text('demo_hint'), ' ', ...buttons);
    demo.hidden = false;
    this.#fill(logins[0], false);
  }

  #fill({ email, password }, submits) {
    this.#become(false);
    this.#form.elements.email.value = email;
    this.#form.elements.password.value = password;
    if (submits) this.#submit();
  }

  get #fields() {
    const { username, email, password } = this.#form.elements;
    return [username, email, password];
  }

  #isOff(input) {
    return input.name === 'username' && !this.#isSignup;
  }

  #become(isSignup) {
    this.#isSignup = isSignup;
    this.#clear();
    const { username, password } = this.#form.elements;
    username.closest('.field').hidden = !isSignup;
    password.autocomplete = isSignup ? 'new-password' : 'current-password';
    this.#dialog.querySelector('[data-part="password-hint"]').hidden = !isSignup;
    const name = text(isSignup ? 'signup' : 'login');
    setText(this.#dialog.querySelector('h2'), name);
    setText(this.#form.elements.submit, name);
    setText(this.#dialog.querySelector('[data-part="switch"]'), text(isSignup ? 'to_login' : 'to_signup'));
  }

  async #submit() {
    if (this.#isBusy) return;
    this.#setBusy(true);
    this.#clear();
    const [username, email, password] = this.#fields.map(({ value }) => value);
    try {
      if (this.#isSignup) {
        await api.register(username, email, password);
        // From here on the account exists: what fails now is the login.
        this.#become(false);
      }
      await api.login(email, password);
      this.#form.elements.password.value = '';
      this.#dialog.close();
      await this.#onLogin();
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      this.#show(error);
    } finally {
      this.#setBusy(false);
    }
  }

  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    this.#form.elements.submit.disabled = isBusy;
  }

  #show(error) {
    const shown = error.errors.filter(({ field }) => this.#fields.some((input) => input.name === field && !this.#isOff(input)));
    for (const violation of shown) this.#mark(violation.field, fieldText(violation));
    if (shown.length < Math.max(1, error.errors.length)) setText(this.#error, requestText(error));
    this.#form.querySelector('[aria-invalid="true"]')?.focus();
  }

  #mark(field, sentence) {
    const input = this.#form.elements[field];
    input.setAttribute('aria-invalid', 'true');
    setText(input.closest('.field').querySelector('.problem'), sentence);
  }

  #clear() {
    setText(this.#error, '');
    for (const input of this.#fields) {
      input.removeAttribute('aria-invalid');
      setText(input.closest('.field').querySelector('.problem'), '');
    }
  }
}
