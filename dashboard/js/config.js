// Where the daemon is.

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
