// Addresses are kept and sent on, and outlive what they name. Says what of an address the daemon does not have, and
// leads to what it has.

import { h, setText } from './dom.js';
import * as format from './format.js';
import { routeTo } from './route.js';

/** Streams that are offered; the overview has all. */
const OFFERED = 8;
/** Settings of views that name a run. */
const NAMING_A_RUN = ['run', 'a', 'b'];

/**
 * @param {import('./hub.js').Hub} hub
 * @param {{view: string, params: URLSearchParams}} route of a view that shows the runs of one stream
 * @returns {{nothing: boolean, sentences: string[]}} `nothing`: there is nothing that the view could show
 */
export function missingOf(hub, { params }) {
  const shown = hub.shownRuns;
  if (hub.missingStream !== null) return { nothing: true, sentences: [`There is no stream “${hub.missingStream}”.`] };
  const runs = hub.missingRuns;
  const gone = runs.length === 0 ? [] : [`There is no run ${runs.map((id) => `#${id}`).join(', ')}.`];
  if (runs.length > 0 && shown.length === 0) return { nothing: true, sentences: gone };
  // Whether a run is one of the stream is known once the stream's runs are.
  const named = shown.length === 0 ? [] : NAMING_A_RUN.map((name) => params.get(name)).filter((id) => id !== null);
  const others = [...new Set(named)].filter((id) => !shown.some((run) => run.id === id));
  return { nothing: false, sentences: [...gone, ...others.map((id) => `${whereIs(id, hub)} Another one is shown.`)] };
}

function whereIs(id, hub) {
  const known = hub.runs.get(id);
  return known === undefined ? `There is no run #${id} of stream “${hub.shownStream}”.` :
    `Run #${id} is not among the runs that are shown: it is one of stream “${known.stream}”.`;
}

const to = (href, textContent) => h('a', { href, textContent });

export class StaleAddress {
  #route = null;
  #drawn = '';

  constructor() {
    this.text = h('p');
    this.list = h('p.links');
    this.element = h('section.absent', { role: 'alert', hidden: true }, this.text, this.list);
  }

  /** Takes an address. @param {object} route of parseRoute */
  take(route) { this.#route = route; }

  /** What was chosen since is no longer what the address named. */
  forget() { this.#route = { ...this.#route, params: new URLSearchParams() }; }

  /** @param {import('./hub.js').Hub} hub @param {boolean} scoped whether the view shows the runs of one stream
   *  @returns {boolean} whether there is nothing that the view could show */
  update(hub, scoped) {
    const { nothing, sentences } = scoped ? missingOf(hub, this.#route) : { nothing: false, sentences: [] };
    this.element.hidden = sentences.length === 0;
    setText(this.text, sentences.join(' '));
    if (sentences.length > 0) this.#offer([...hub.streams.keys()].reverse(), hub);
    return nothing;
  }

  /** Links to the same view of the streams that there are, the newest first. */
  #offer(names, hub) {
    const { view, params } = this.#route;
    const run = hub.runs.get(NAMING_A_RUN.map((name) => params.get(name)).find((id) => id !== null));
    const drawn = JSON.stringify([view, names, run?.stream]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const link = (name, settings = []) => to(routeTo(view, { stream: name }, settings), name);
    const own = run === undefined ? [] : ['The address with its stream: ', link(run.stream, params), '. '];
    const more = names.length - OFFERED;
    this.list.replaceChildren(...own, names.length === 0 ? 'No stream has been replayed yet.' : 'There are: ',
      ...names.slice(0, OFFERED).flatMap((name, index) => (index === 0 ? [link(name)] : [', ', link(name)])),
      ...(more > 0 ? [` and ${format.count(more)} more: `, to(routeTo('overview'), 'Overview')] : []),
      ...(names.length > 0 ? [' · ', to(routeTo('history'), 'runs of the past')] : []));
  }
}
