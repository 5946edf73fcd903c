// Composition root of the page.

import { Api } from './api.js';
import { CompareView } from './compare_view.js';
import { daemonBase } from './config.js';
import { h, setText } from './dom.js';
import { ExpertsView } from './experts_view.js';
import { Feed } from './feed.js';
import { ForecastView } from './forecast_view.js';
import { HistoryView } from './history_view.js';
import { Hub } from './hub.js';
import { LiveView } from './live_view.js';
import { MemoryView } from './memory_view.js';
import { MomentView } from './moment_view.js';
import { Navigation } from './navigation.js';
import { ObservedView } from './observed_view.js';
import { OtherDaemons } from './other_daemons.js';
import { OverviewView } from './overview_view.js';
import { PanelToolbar } from './panel_toolbar.js';
import { QueryView } from './query_view.js';
import { RequestsView } from './requests_view.js';
import { ResidualStore } from './residuals.js';
import { parseRoute, routeTo, VIEWS } from './route.js';
import { SearchView } from './search_view.js';
import { Shortcuts } from './shortcuts.js';
import { StaleAddress } from './stale_address.js';
import { StatusBar } from './status_bar.js';
import { StreamControls } from './stream_controls.js';
import { onThemeChange, toggleTheme } from './theme.js';
import { TokenDialog } from './token_dialog.js';
import { TokenStore } from './token_store.js';
import { VllmView } from './vllm_view.js';
import { WhatIfDialog } from './whatif_dialog.js';

const REDRAW_MS = 250;
const NOTICE_MS = 8000;
/** Views whose panels the toolbar rules. */
const WITH_PANELS = ['live', 'compare', 'observed', 'vllm'];

function start(base) {
  const store = new TokenStore(base);
  const token = new TokenDialog(base, store);
  const api = new Api(base, undefined, {
    headers: () => store.headers(),
    subprotocols: () => store.subprotocols(),
    refused: (detail) => {
      hub.refused = true;
      token.ask(detail);
    }
  });
  const hub = new Hub();
  const notice = new Notice();
  const page = {};
  let route = parseRoute(location.hash);
  const current = () => page.views[route.view];
  const scopedView = () => VIEWS.find(({ key }) => key === route.view).scoped === true;

  const keepAddress = () => {
    const toolbar = WITH_PANELS.includes(route.view) ? page.toolbar.params() : [];
    history.replaceState(null, '', routeTo(route.view, hub.selection, [...toolbar, ...(current().params?.() ?? [])]));
  };
  const update = () => {
    page.status.update(hub);
    page.navigation.showSubject(hub.shownStream);
    page.navigation.main.classList.toggle('stale', hub.unreachable);
    if (!page.navigation.controls.hidden) page.controls.update();
    page.toolbar.update(hub.shownRuns.length);
    page.pinned.update(hub, route.view);
    page.navigation.main.classList.toggle('nothing', page.stale.update(hub, scopedView()));
    current().update?.(hub);
  };
  const redraw = throttled(update);
  const changed = () => { keepAddress(); redraw(); };

  const residuals = new ResidualStore(api);
  page.toolbar = new PanelToolbar(changed);
  page.views = {
    overview: new OverviewView(api, new OtherDaemons(location.href)),
    live: new LiveView(base, page.toolbar, residuals, redraw),
    requests: new RequestsView(api, hub, changed),
    compare: new CompareView(api, page.toolbar, changed),
    observed: new ObservedView(base, residuals, page.toolbar, redraw),
    forecast: new ForecastView(api, changed),
    memory: new MemoryView(api, keepAddress),
    moment: new MomentView(api, changed),
    experts: new ExpertsView(api),
    vllm: new VllmView(api, page.toolbar, redraw),
    search: new SearchView(api, changed),
    history: new HistoryView(api),
    query: new QueryView(api, keepAddress),
  };
  page.status = new StatusBar(base);
  const whatIf = new WhatIfDialog(api, hub);
  page.controls = new StreamControls(api, hub, (stream) => { location.hash = routeTo(route.view, { stream }); },
    (message) => notice.show(message), (stream) => whatIf.open(stream));
  page.pinned = new PinnedRuns();
  page.stale = new StaleAddress();
  const openView = (view) => { page.navigation.links.find((link) => link.dataset.view === view).click(); };
  page.shortcuts = new Shortcuts([
    { keys: '/', text: 'To the first field of the view', run: () => firstField(current().element)?.focus() },
    { keys: 'l', text: 'Latency on a linear or logarithmic scale', run: () => page.toolbar.toggleScale() },
    { keys: 'a', text: 'All of virtual time, after a zoom', run: () => page.toolbar.setRange(null) },
    { keys: 't', text: 'Light or dark theme', run: toggleTheme }], openView);
  const controls = h('section.subhead', { 'aria-label': 'What is shown' }, page.controls.element, page.toolbar.element);
  page.navigation = new Navigation({
    status: page.status.lamp,
    controls,
    banners: [page.status.banner, page.stale.element, page.pinned.element],
    overlays: [token.element, whatIf.element, notice.element, page.shortcuts.element],
    openHelp: () => page.shortcuts.open()
  });

  const feed = new Feed(api, hub, (run, items) => page.views.requests.take(run, items));
  hub.addEventListener('change', redraw);
  onThemeChange(() => { page.navigation.showTheme(); current().redraw?.(); redraw(); });
  document.fonts.ready.then(redraw);

  const navigate = () => {
    route = parseRoute(location.hash);
    page.stale.take(route);
    if (scopedView()) hub.select({ stream: route.stream, runs: route.runs });
    page.toolbar.element.hidden = !WITH_PANELS.includes(route.view);
    if (WITH_PANELS.includes(route.view)) page.toolbar.set(route.params);
    page.toolbar.offerQuantiles(route.view === 'live');
    page.navigation.showView(route.view, current().element, hub.selection);
    feed.select();
    current().show?.(route.params, hub);
    update();
  };
  page.navigation.main.addEventListener('change', () => page.stale.forget());
  addEventListener('hashchange', navigate);
  navigate();
  feed.start();
}

/** Where one writes, else where one chooses. */
const firstField = (element) => element.querySelector('textarea, input[type="search"]') ??
  element.querySelector('select, input');

/** An error of an action, for a while. */
class Notice {
  constructor() { this.element = h('div.notice', { role: 'alert', hidden: true }); }

  show(message) {
    this.element.textContent = message;
    this.element.hidden = false;
    setTimeout(() => { this.element.hidden = true; }, NOTICE_MS);
  }
}

/** Says that named runs are shown, not the newest stream. */
class PinnedRuns {
  constructor() {
    this.text = h('span');
    this.back = h('a.button', { textContent: 'Back to the newest stream' });
    this.element = h('section.pinned', { hidden: true, 'aria-label': 'Runs from the history' }, this.text, this.back);
  }

  update(hub, view) {
    const { runs } = hub.selection;
    this.element.hidden = runs === null || !VIEWS.find(({ key }) => key === view).scoped ||
      hub.missingRuns.length === runs.length;
    if (runs === null) return;
    this.back.setAttribute('href', routeTo(view));
    const names = hub.shownRuns.map((run) => `${run.scenario} #${run.id} (${run.state}, stream ${run.stream})`);
    setText(this.text, `${runs.length === 1 ? 'Run' : 'Runs'} from the history: ${names.join(', ') || 'reading…'}`);
  }
}

/** At most one call per REDRAW_MS, and none while the page cannot be seen. */
function throttled(callback) {
  let timer = null;
  return () => {
    timer ??= setTimeout(() => requestAnimationFrame(() => { timer = null; callback(); }), REDRAW_MS);
  };
}

try {
  start(daemonBase(location.href));
} catch (error) {
  document.body.replaceChildren(h('main', {}, h('h1.unseen', { textContent: 'replayd' }),
    h('div.banner', { role: 'alert', data: { state: 'failed' } }, h('p', { textContent: error.message }))));
}
