// The head of the page: brand, views, state of the daemon, theme, help. And the frame around the views.

import { h, setText } from './dom.js';
import { routeTo, VIEWS } from './route.js';
import { currentTheme, toggleTheme } from './theme.js';

export class Navigation {
  /**
   * @param {{status: Element, controls: Element, banners: Element[], overlays: Element[], openHelp: () => void}} parts
   */
  constructor({ status, controls, banners, overlays, openHelp }) {
    this.links = VIEWS.map(
      ({ key, title, about }) => h('a', { textContent: title, title: about, data: { view: key } }));
    this.theme = h('button.quiet.theme', { type: 'button', onclick: toggleTheme });
    this.heading = h('h1.unseen');
    this.controls = controls;
    this.main = h('main', { id: 'content', tabIndex: -1 }, this.heading);
    const skip = h('a.skip', { href: '#content', textContent: 'Skip to the content', onclick: (event) => {
      event.preventDefault();  // the hash names the view
      this.main.focus();
    } });
    const help = h('button.quiet.help', { type: 'button', textContent: '?', title: 'Keyboard shortcuts',
      'aria-label': 'Keyboard shortcuts', onclick: openHelp });
    document.body.replaceChildren(skip,
      h('header.top', {},
        h('a.brand', { href: '#/live', 'aria-label': 'replayd: the newest stream, live' },
          h('i.mark', { 'aria-hidden': 'true' }), h('span', { textContent: 'replayd' })),
        h('nav', { 'aria-label': 'Views' }, ...this.links), h('span.spring'), status, help, this.theme),
      controls, ...banners, this.main, ...overlays);
    this.showTheme();
  }

  showTheme() {
    const dark = currentTheme() === 'dark';
    setText(this.theme, dark ? 'Light' : 'Dark');
    this.theme.setAttribute('aria-label', dark ? 'Light theme' : 'Dark theme');
  }

  /** Puts a view in place and marks its link; the links of the others keep the runs that are shown. */
  showView(key, element, selection) {
    const { title, scoped } = VIEWS.find((view) => view.key === key);
    for (const link of this.links) {
      const view = VIEWS.find((item) => item.key === link.dataset.view);
      link.setAttribute('href', routeTo(view.key, view.scoped ? selection : {}));
      if (view.key === key) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    this.links.find((link) => link.dataset.view === key).scrollIntoView({ block: 'nearest', inline: 'nearest' });
    if (!element.isConnected) this.main.replaceChildren(this.heading, element);
    this.controls.hidden = !scoped;
    this.#title = title;
  }

  /** @param {string|null} subject what the view is about, e.g. the stream */
  showSubject(subject) {
    const text = subject === null || this.controls.hidden ? this.#title : `${this.#title}: ${subject}`;
    setText(this.heading, text);
    if (document.title !== `${text} – replayd`) document.title = `${text} – replayd`;
  }

  #title = '';
}
