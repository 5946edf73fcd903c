// The live websocket, with reconnection. Messages are handed on as they come; every (re)connection is
// announced, so that the owner can back-fill what it missed.

const SUBPROTOCOL = 'replayd.live.v1';
const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 8000;

/** Wait before attempt n (from 1): doubles up to 8 s, spread by ±20 % so that many pages don't knock at once. */
export function retryDelay(attempt, random = Math.random) {
  const base = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (attempt - 1));
  return Math.round(base * (0.8 + 0.4 * random()));
}

export class LiveClient {
  #url = null;
  #socket = null;
  #timer = null;
  #attempt = 0;
  #handlers;
  #environment;
  #further;

  /**
   * @param {{onState: (state: 'connecting'|'open'|'waiting'|'closed') => void, onMessage: (message: object) => void}}
   *   handlers
   * @param {{WebSocket?: Function, setTimeout?: Function, clearTimeout?: Function}} environment for tests
   * @param {() => string[]} further subprotocols to offer, which show who asks
   */
  constructor(handlers, environment = {}, further = () => []) {
    this.#further = further;
    this.#handlers = handlers;
    this.#environment = {
      WebSocket: environment.WebSocket ?? globalThis.WebSocket,
      setTimeout: environment.setTimeout ?? ((...args) => setTimeout(...args)),
      clearTimeout: environment.clearTimeout ?? ((...args) => clearTimeout(...args)),
    };
  }

  /** Connects to `url`, leaving any earlier connection. */
  open(url) {
    if (url === this.#url) return;
    this.close();
    this.#url = url;
    this.#attempt = 0;
    this.#connect();
  }

  close() {
    this.#environment.clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#url = null;
    socket?.close(1000);
    this.#handlers.onState('closed');
  }

  #connect() {
    this.#handlers.onState('connecting');
    const socket = new this.#environment.WebSocket(this.#url, [SUBPROTOCOL, ...this.#further()]);
    this.#socket = socket;
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.#attempt = 0;
      this.#handlers.onState('open');
    };
    socket.onmessage = (event) => {
      if (socket === this.#socket) this.#handlers.onMessage(JSON.parse(event.data));
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#retry();
    };
  }

  #retry() {
    this.#socket = null;
    this.#attempt += 1;
    this.#handlers.onState('waiting');
    this.#timer = this.#environment.setTimeout(() => this.#connect(), retryDelay(this.#attempt));
  }
}
