// The address of every view. What a reader sees can be sent to another reader: the hash names the view, the runs that
// it shows and its settings.

/** In the order of the navigation. `scoped`: shows the runs of one stream, so its address carries them. `shortcut`: the
 *  key that opens it. */
export const VIEWS = [
  {key: 'live', shortcut: '1', title: 'Live', scoped: true, about: 'latency, load and memory over virtual time'},
  {key: 'overview', shortcut: '2', title: 'Overview', about: 'every stream and how its scenarios stand'},
  {key: 'requests', shortcut: '3', title: 'Requests', scoped: true, about: 'single requests and where their time went'},
  {key: 'compare', shortcut: '4', title: 'Compare', scoped: true, about: 'two runs, request by request'},
  {
    key: 'observed',
    shortcut: '5',
    title: 'Observed',
    scoped: true,
    about: 'predictions against what production measured'
  },
  {
    key: 'forecast',
    shortcut: '6',
    title: 'Forecast',
    scoped: true,
    about: 'how long the objectives hold, and what would hold them'
  },
  {key: 'memory', shortcut: '7', title: 'Memory', scoped: true, about: 'where the bytes of a GPU go'},
  {
    key: 'moment',
    shortcut: 'm',
    title: 'Moment',
    scoped: true,
    about: 'queues, batches and KV of each replica at any moment'
  },
  {
    key: 'experts',
    shortcut: '8',
    title: 'MoE & AFD',
    scoped: true,
    about: 'expert balance, attention/FFN disaggregation'
  },
  {key: 'vllm', shortcut: '9', title: 'vLLM', scoped: true, about: 'the panels of vLLM’s own dashboard'},
  {key: 'search', shortcut: 'c', title: 'Search', about: 'which cluster serves a trace at the least cost'},
  {key: 'history', shortcut: '0', title: 'History', about: 'past runs'},
  {key: 'query', shortcut: 's', title: 'SQL', about: 'questions to the history'},
];

/** Names of views in addresses that were given out before. */
const FORMER = { replay: 'live', runs: 'live' };
const FIRST = 'live';

/**
 * @param {string} hash e.g. "#/live?stream=a&scale=log", "#/requests?runs=4,7&request=4.1000"
 * @returns {{view: string, stream: string|null, runs: string[]|null, params: URLSearchParams}} `params` without what
 *   selects the runs. An unknown view is the live one.
 */
export function parseRoute(hash) {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name, argument] = path.split('/');
  const params = new URLSearchParams(search);
  if (name === 'runs' && argument) params.set('runs', argument.split(',').map(decodeURIComponent).join(','));
  const runs = params.get('runs')?.split(',').filter(Boolean) ?? [];
  const stream = params.get('stream');
  params.delete('runs');
  params.delete('stream');
  const view = FORMER[name] ?? name;
  return { view: VIEWS.some(({ key }) => key === view) ? view : FIRST, stream: runs.length > 0 ? null : stream,
    runs: runs.length > 0 ? runs : null, params };
}

/**
 * @param {string} view key of VIEWS
 * @param {{stream?: string|null, runs?: string[]|null}} selection
 * @param {Iterable<[string, string]>} params further settings
 */
export function routeTo(view, selection = {}, params = []) {
  const search = new URLSearchParams();
  if (selection.runs) search.set('runs', selection.runs.join(','));
  else if (selection.stream) search.set('stream', selection.stream);
  for (const [name, value] of params) search.set(name, value);
  // Commas may stand in a fragment, and an address is read by people too.
  const text = search.toString().replaceAll('%2C', ',');
  return `#/${view}${text === '' ? '' : `?${text}`}`;
}
