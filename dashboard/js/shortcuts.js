// Single keys for what is done often, and the dialog that lists them. They can be switched off there, since they get in
// the way of speech input (WCAG 2.1.4).

import { h } from './dom.js';
import { VIEWS } from './route.js';

const STORED = 'replayd-shortcuts';

/** Whether a key that was pressed there belongs to what is typed. */
const typing = (target) => target.closest?.('input:not([type="checkbox"]), textarea, select, [contenteditable]') !==
  null;

export class Shortcuts {
  #actions = new Map();

  /** @param {{keys: string, text: string, run: () => void}[]} actions beside those of the views */
  constructor(actions, openView) {
    const views = VIEWS.map(({ key, title, shortcut }) => ({ keys: shortcut, text: title, run: () => openView(key) }));
    const own = [{ keys: '?', text: 'This list', run: () => this.open() }];
    const all = [...views, ...actions, ...own];
    for (const action of all) this.#actions.set(action.keys, action.run);
    this.switch = h('input', { type: 'checkbox', checked: stored(), onchange: () => store(this.switch.checked) });
    const row = ({ keys, text }) => h(
      'div', {}, h('dt', {}, h('kbd', { textContent: keys })), h('dd', { textContent: text }));
    const fixed = [{ keys: 'Ctrl Enter', text: 'Run the SQL' }, { keys: 'Esc', text: 'Close what is open' }];
    this.element = h('dialog.help-dialog', { 'aria-labelledby': 'shortcuts-title', onclick: (event) => {
      if (event.target === this.element) this.element.close();
    } }, h('header', {}, h('h2', { id: 'shortcuts-title', textContent: 'Keyboard shortcuts' }),
      h('button.quiet', { type: 'button', textContent: 'Close', onclick: () => this.element.close() })),
    h('dl.shortcuts', {}, ...[...all, ...fixed].map(row)),
    h('p.note', { textContent: 'On a chart: drag to zoom, double click to show everything.' }),
    h('label.field', {}, this.switch, h('span', { textContent: 'Single keys act' })));
    addEventListener('keydown', (event) => this.#press(event));
  }

  open() {
    if (!this.element.open) this.element.showModal();
  }

  #press(event) {
    if (!this.switch.checked || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target) || document.querySelector('dialog[open]') !== null) return;
    const action = this.#actions.get(event.key);
    if (action === undefined) return;
    event.preventDefault();
    action();
  }
}

function stored() {
  try {
    return localStorage.getItem(STORED) !== 'off';
  } catch {
    return true;  // storage is forbidden
  }
}

function store(on) {
  try {
    localStorage.setItem(STORED, on ? 'on' : 'off');
  } catch {
    // Storage is forbidden: the choice holds until the page is left.
  }
}
