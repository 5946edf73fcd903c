// HTTP client of one daemon. Every failure becomes an ApiError whose message is fit to be shown.

const TIMEOUT_MS = 10_000;
const NO_TOKEN = { headers: () => ({}), subprotocols: () => [], refused: () => {} };

export class ApiError extends Error {
  /** @param {number} status 0 when no answer came */
  constructor(message, status) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

export class Api {
  #base;
  #fetch;
  #access;

  /**
   * @param {string} base e.g. "http://127.0.0.1:8480"
   * @param {{headers: () => object, subprotocols: () => string[], refused: (detail: string) => void}} access what requests
   *   show, and who is told that it was not enough (401)
   */
  constructor(base, fetchFunction = (...args) => fetch(...args), access = NO_TOKEN) {
    this.#base = base;
    this.#fetch = fetchFunction;
    this.#access = access;
  }

  get base() { return this.#base; }
  /** What a websocket of this daemon shows beside its own subprotocol. */
  get subprotocols() { return this.#access.subprotocols(); }

  /** The exposition text. */
  async metrics() { return (await this.#send('/metrics')).text(); }
  version() { return this.#json('/version'); }
  streams() { return this.#items('/api/v1/streams'); }
  scenarios() { return this.#items('/api/v1/scenarios'); }
  runs(limit) { return this.#items(`/api/v1/runs?limit=${limit}`); }
  run(id) { return this.#json(`/api/v1/runs/${encodeURIComponent(id)}`); }
  scenarioPlan(name) { return this.#json(`/api/v1/scenarios/${encodeURIComponent(name)}/plan`); }

  /** How evenly the pools of a scenario use their experts; none without experts on several ranks. */
  async expertBalance(name) { return (await this.#json(`/api/v1/scenarios/${encodeURIComponent(name)}/experts`)).pools; }

  /** Two runs of one stream, request by request; differences are B − A. */
  compare(a, b, limit) { return this.#json(`/api/v1/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}&limit=${limit}`); }

  /** Observed against predicted. */
  residuals(id, limit = 500) { return this.#json(`/api/v1/runs/${encodeURIComponent(id)}/residuals?limit=${limit}`); }

  /** Runs a copy of a run ahead. @param {object} body traffic, horizon_s, growth, candidates */
  forecast(id, body) { return this.#post(`/api/v1/runs/${encodeURIComponent(id)}/forecast`, body); }

  /** A run as it stood at a moment. @param {number|null} atNs null: now, or its end */
  moment(id, atNs, listed) { return this.#json(`/api/v1/runs/${encodeURIComponent(id)}/at?listed=${listed}${atNs === null ? '' : `&at_ns=${atNs}`}`); }

  windows(id, fromNs = 0, limit = 1000) {
    return this.#items(`/api/v1/runs/${encodeURIComponent(id)}/windows?from_ns=${fromNs}&limit=${limit}`);
  }

  replicas(id, limit) { return this.#items(`/api/v1/runs/${encodeURIComponent(id)}/replicas?limit=${limit}`); }

  /** The mean step of each AFD pool of a run that the daemon replays. */
  afdSteps(id) { return this.#items(`/api/v1/runs/${encodeURIComponent(id)}/afd`); }

  requests(id, { order, outcome, limit }) {
    return this.#items(`/api/v1/runs/${encodeURIComponent(id)}/requests?limit=${limit}&order=${order}&outcome=${outcome}`);
  }

  request(run, sequence) {
    return this.#json(`/api/v1/runs/${encodeURIComponent(run)}/requests/${sequence}`);
  }

  requestsById(requestId) { return this.#items(`/api/v1/requests/${encodeURIComponent(requestId)}`); }

  /** @param {'pause'|'resume'|'end'} action */
  control(stream, action) { return this.#post(`/api/v1/streams/${encodeURIComponent(stream)}/${action}`, null); }
  /** A run of the whole stream, or a copy of a run that goes on under another scenario. */
  addRun(stream, scenario) { return this.#post(`/api/v1/streams/${encodeURIComponent(stream)}/runs`, { scenario }); }
  forkRun(id, scenario, atNs = null) { return this.#post(`/api/v1/runs/${encodeURIComponent(id)}/fork`, atNs === null ? { scenario } : { scenario, at_ns: atNs }); }
  stopRun(id) { return this.#post(`/api/v1/runs/${encodeURIComponent(id)}/stop`, null); }
  setSpeed(stream, factor) { return this.#post(`/api/v1/streams/${encodeURIComponent(stream)}/speed`, { speed: factor }); }
  /** @param {string|null} search a file of searches; null: the history */
  query(sql, search = null) { return this.#post('/api/v1/query', search === null ? { sql } : { sql, search }); }

  /** {items, folders, troubles} of the files of searches. */
  searches() { return this.#json('/api/v1/searches'); }
  search(file, id) { return this.#json(`/api/v1/searches/${encodeURIComponent(file)}/${encodeURIComponent(id)}`); }
  /** A cluster of a search as a scenario. */
  candidate(file, id, number) {
    return this.#json(`/api/v1/searches/${encodeURIComponent(file)}/${encodeURIComponent(id)}/candidates/${number}`);
  }

  addScenario(toml) { return this.#post('/api/v1/scenarios', toml, 'application/toml'); }

  async #items(path) { return (await this.#json(path)).items; }

  async #json(path) { return (await this.#send(path)).json(); }

  /** @param {object|string|null} body text is sent as it is */
  async #post(path, body, type = 'application/json') {
    const headers = body === null ? {} : { 'content-type': type };
    const payload = body === null || typeof body === 'string' ? body : JSON.stringify(body);
    return (await this.#send(path, { method: 'POST', headers, body: payload })).json();
  }

  async #send(path, options = {}) {
    let response;
    try {
      response = await this.#fetch(this.#base + path, { ...options, headers: { ...options.headers, ...this.#access.headers() }, cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      const late = error.name === 'TimeoutError';
      throw new ApiError(late ? `${this.#base} gave no answer within ${TIMEOUT_MS / 1000} s` : `${this.#base} cannot be reached`, 0);
    }
    if (response.ok) return response;
    const detail = await problemDetail(response);
    if (response.status === 401) this.#access.refused(detail);
    throw new ApiError(detail, response.status);
  }
}

/** The `detail` of a problem document, or the status where the body is none. */
async function problemDetail(response) {
  const text = await response.text();
  try {
    const problem = JSON.parse(text);
    if (typeof problem.detail === 'string') return problem.detail;
  } catch {
    // Not a problem document: a proxy in between answered.
  }
  return `${response.url} answered ${response.status} ${response.statusText}`.trim();
}
