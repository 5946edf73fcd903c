// Asks for the token when the daemon answers 401, tries it, and loads the page again with it.

import { h, setText } from './dom.js';

export class TokenDialog {
  #base;
  #store;
  #fetch;

  /** @param {import('./token_store.js').TokenStore} store */
  constructor(base, store, fetchFunction = (...args) => fetch(...args)) {
    this.#base = base;
    this.#store = store;
    this.#fetch = fetchFunction;
    this.input = h('input', { type: 'password', id: 'token', autocomplete: 'off', required: true, spellcheck: false });
    this.reason = h('p.token-reason', { role: 'alert' });
    this.submit = h('button', { type: 'submit', textContent: 'Use it' });
    this.element = h('dialog.help-dialog.token-dialog',
      { 'aria-labelledby': 'token-title', oncancel: (event) => event.preventDefault() },
      h('header', {}, h('h2', { id: 'token-title', textContent: 'This daemon wants a token' })),
      h('form', {
        onsubmit: (event) => {
          event.preventDefault();
          this.#try
            ();
        }
      },
        h('label',
          { for: 'token', textContent: `Token for ${base}`
          }),
        this.input, this.submit),
      this.reason, h('p.hint', {
        textContent:
          'It stays in this tab until you close it. The role “read” is enough to look; pausing and ending streams ' +
            'needs “admin”.'
      }));
  }

  /** The daemon refused a request; `detail` is its reason. Opens once, however many requests were refused. */
  ask(detail) {
    if (this.element.open) return;
    setText(this.reason, this.#store.get() === null ? '' : detail);
    this.element.showModal();
    this.input.focus();
  }

  async #try() {
    const token = this.input.value.trim();
    this.submit.disabled = true;
    try {
      const answer = await this.#fetch(
        `${this.#base}/version`, { headers: { authorization: `Bearer ${token}` }, cache: 'no-store' });
      if (answer.ok) {
        this.#store.set(token);
        location.reload();
        return;
      }
      setText(this.reason, (await answer.json()).detail ?? `The daemon answered ${answer.status}.`);
    } catch {
      setText(this.reason, `${this.#base} cannot be reached with this token.`);
    }
    this.submit.disabled = false;
    this.input.select();
  }
}
