// The token that the daemon wants of this tab: kept in sessionStorage, shown as a header or, on websockets, as a
// subprotocol; never in an address.

const BEARER_SUBPROTOCOL = 'replayd.bearer.';

/** base64url without padding (RFC 4648 section 5) of the UTF-8 bytes. */
export function base64url(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

export class TokenStore {
  #key;
  #storage;

  /** @param {string} base of the daemon; each has its own token */
  constructor(base, storage = globalThis.sessionStorage) {
    this.#key = `replayd.token ${base}`;
    this.#storage = storage;
  }

  get() { return this.#storage.getItem(this.#key); }
  set(token) { this.#storage.setItem(this.#key, token); }

  /** What a request shows. */
  headers() {
    const token = this.get();
    return token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /** What a websocket shows beside its own subprotocol. */
  subprotocols() {
    const token = this.get();
    return token === null ? [] : [BEARER_SUBPROTOCOL + base64url(token)];
  }
}
