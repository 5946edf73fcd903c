// Composition root of the page.

import { Api } from './api.js';
import { daemonBase, parseRoute, routeToStream } from './config.js';
import { h, setText } from './dom.js';
import { Feed } from './feed.js';
import { HistoryView } from './history_view.js';
import { Hub } from './hub.js';
import { MemoryView } from './memory_view.js';
import { QueryView } from './query_view.js';
import { ReplayView } from './replay_view.js';
import { RequestDetail } from './request_detail.js';
import { StatusBar } from './status_bar.js';
import { StreamControls } from './stream_controls.js';
import { currentTheme, onThemeChange, toggleTheme } from './theme.js';

const REDRAW_MS = 250;
const NOTICE_MS = 8000;
const TABS = [['replay', 'Replay'], ['history', 'History'], ['memory', 'Memory'], ['query', 'SQL']];

function start(base) {
  const api = new Api(base);
  const hub = new Hub();
  const notice = h('div.notice', { role: 'alert', hidden: true });
  const fail = (message) => {
    notice.textContent = message;
    notice.hidden = false;
    setTimeout(() => { notice.hidden = true; }, NOTICE_MS);
  };
  const detail = new RequestDetail(api, (run) => hub.shownRuns.find((shown) => shown.id === run)?.label ?? `${hub.runs.get(run)?.scenario ?? 'run'} #${run}`);
  const replay = new ReplayView(api, hub, (request) => detail.open(request), () => redraw());
  const views = { replay, history: new HistoryView(api), memory: new MemoryView(api), query: new QueryView(api) };
  const feed = new Feed(api, hub, (run, items) => replay.requests.take(run, items));
  const controls = new StreamControls(api, hub, (name) => { location.hash = routeToStream(name); }, fail);
  const status = new StatusBar(base);
  const page = layout({ controls, status, replay, views, notice, detail });

  const update = () => {
    controls.update();
    status.update(hub);
    page.showPinned(hub);
    page.showStale(hub.unreachable);
    if (!replay.element.hidden) replay.update();
  };
  const redraw = throttled(update);
  hub.addEventListener('change', redraw);
  onThemeChange(() => { page.showTheme(); replay.requests.redraw(); redraw(); });
  document.fonts.ready.then(redraw);

  const navigate = () => {
    const route = parseRoute(location.hash);
    for (const [name, view] of Object.entries(views)) view.element.hidden = name !== route.view;
    page.showTab(route.view);
    if (route.view === 'replay') {
      hub.selection = { stream: route.stream, runs: route.runs };
      replay.toolbar.range = null;
      feed.select();
    } else {
      views[route.view].show?.(hub.shownRuns);
    }
    update();
  };
  addEventListener('hashchange', navigate);
  navigate();
  feed.start();
}

function layout({ controls, status, replay, views, notice, detail }) {
  const tabs = TABS.map(([view, text]) => h('a', { href: `#/${view}`, textContent: text, data: { view } }));
  const theme = h('button.quiet.theme', { type: 'button', onclick: toggleTheme });
  const pinned = h('div.pinned', { hidden: true }, h('span'), h('a.button', { href: '#/replay', textContent: 'Back to the newest stream' }));
  const controlsRow = h('div.subhead', {}, controls.element, replay.toolbar.element);
  document.body.replaceChildren(
    h('a.skip', { href: '#content', textContent: 'Skip to the panels', onclick: (event) => { event.preventDefault(); document.querySelector('#content').focus(); } }),
    h('header.top', {}, h('a.brand', { href: '#/replay', 'aria-label': 'replayd' }, h('i.mark', { 'aria-hidden': 'true' }), 'replayd'), h('nav', { 'aria-label': 'Views' }, ...tabs), h('span.spring'), status.lamp, theme),
    controlsRow, status.banner, pinned, h('main', { id: 'content', tabIndex: -1 }, ...Object.values(views).map((view) => view.element)), notice, detail.element);
  const showTheme = () => {
    const dark = currentTheme() === 'dark';
    setText(theme, dark ? 'Light' : 'Dark');
    theme.setAttribute('aria-label', dark ? 'Switch to the light theme' : 'Switch to the dark theme');
  };
  showTheme();
  return {
    showTheme,
    showStale(stale) { document.querySelector('#content').classList.toggle('stale', stale); },
    showTab(view) {
      for (const tab of tabs) {
        if (tab.dataset.view === view) tab.setAttribute('aria-current', 'page');
        else tab.removeAttribute('aria-current');
      }
      controlsRow.hidden = view !== 'replay';
    },
    showPinned(hub) {
      const { runs } = hub.selection;
      pinned.hidden = runs === null || replay.element.hidden;
      if (runs === null) return;
      const names = hub.shownRuns.map((run) => `${run.scenario} #${run.id} (${run.state}, stream ${run.stream})`);
      setText(pinned.firstChild, `${runs.length === 1 ? 'Run' : 'Runs'} from the history: ${names.join(', ') || 'reading…'}`);
    },
  };
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
  document.body.replaceChildren(h('div.banner', { role: 'alert', data: { state: 'failed' } }, h('p', { textContent: error.message })));
}
