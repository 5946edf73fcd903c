// Where the daemon is.

/** Base URL of the daemon without a trailing slash: `?daemon=`, else the host that served the page.
 *  Throws an Error that names the parameter when it is no http(s) address. */
export function daemonBase(pageUrl) {
  const page = new URL(pageUrl);
  const given = page.searchParams.get('daemon');
  return given === null ? page.origin : baseOf('daemon', given);
}

/**
 * Base URLs of the daemons that the page looks at beside its own: `?also=`, any number, none twice. Throws as
 * daemonBase.
 */
export function otherBases(pageUrl) {
  const given = new URL(pageUrl).searchParams.getAll('also');
  return [...new Set(given.map((text) => baseOf('also', text)))].filter((base) => base !== daemonBase(pageUrl));
}

/** The address of this page with another list of other daemons. */
export function withOthers(pageUrl, bases) {
  const url = new URL(pageUrl);
  url.searchParams.delete('also');
  for (const base of bases) url.searchParams.append('also', base);
  return url.href;
}

/** What an address in a field or a parameter stands for. */
export function baseOf(parameter, given) {
  let base;
  try {
    base = new URL(given);
  } catch {
    base = null;
  }
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new Error(
      `?${parameter}=${given} is no address; expected something like ?${parameter}=http://127.0.0.1:8480`);
  }
  return (base.origin + base.pathname).replace(/\/+$/, '');
}

/** Address of the live websocket. */
export function liveUrl(base, stream) {
  const query = stream === null ? '' : `?stream=${encodeURIComponent(stream)}`;
  return `${base.replace(/^http/, 'ws')}/live/v1${query}`;
}
