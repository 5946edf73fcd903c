// Where the daemon is, and what the address of the page selects.

/** Base URL of the daemon without a trailing slash: `?daemon=`, else the host that served the page.
 *  Throws an Error that names the parameter when it is no http(s) address. */
export function daemonBase(pageUrl) {
  const page = new URL(pageUrl);
  const given = page.searchParams.get('daemon');
  if (given === null) return page.origin;
  let base;
  try {
    base = new URL(given);
  } catch {
    base = null;
  }
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new Error(`?daemon=${given} is no address; expected something like ?daemon=http://127.0.0.1:8480`);
  }
  return (base.origin + base.pathname).replace(/\/+$/, '');
}

/** Address of the live websocket. */
export function liveUrl(base, stream) {
  const query = stream === null ? '' : `?stream=${encodeURIComponent(stream)}`;
  return `${base.replace(/^http/, 'ws')}/live/v1${query}`;
}

/** The view in the address: `#/replay?stream=a`, `#/runs/4,7`, `#/history`, `#/memory`, `#/query`. */
export function parseRoute(hash) {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?');
  const [view, argument] = path.split('/');
  if (view === 'runs' && argument) {
    return { view: 'replay', runs: argument.split(',').map(decodeURIComponent), stream: null };
  }
  const known = ['replay', 'history', 'memory', 'query'];
  return { view: known.includes(view) ? view : 'replay', runs: null,
    stream: new URLSearchParams(search).get('stream') };
}

export const routeToRuns = (ids) => `#/runs/${ids.map(encodeURIComponent).join(',')}`;
export const routeToStream = (name) => (name === null ? '#/replay' : `#/replay?stream=${encodeURIComponent(name)}`);
