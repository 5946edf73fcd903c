// HTTP client of one daemon. Every failure becomes an ApiError whose message is fit to be shown.

const TIMEOUT_MS = 10_000;
/** What only reads is asked again when its connection breaks: browsers drop all of theirs when a network of the machine
 *  comes or goes, which says nothing of the daemon. */
const READ_TRIES = 3;
const READ_AGAIN_MS = 200;
const NO_TOKEN = { headers: () => ({}), subprotocols: () => [], refused: () => {} };

export class ApiError extends Error {
  /** @param {number} status 0 when no answer came */
  constructor(message, status, cause) {
    super(message, { cause });
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
   * @param {{headers: () => object, subprotocols: () => string[], refused: (detail: string) => void}} access what
   *   requests show, and who is told that it was not enough (401)
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
  metrics() { return this.#read('/metrics', (response) => response.text()); }
  version() { return this.#json('/version'); }
  streams() { return this.#items('/api/v1/streams'); }
  scenarios() { return this.#items('/api/v1/scenarios'); }
  runs(limit) { return this.#items(`/api/v1/runs?limit=${limit}`); }
  run(id) { return this.#json(`/api/v1/runs/${encodeURIComponent(id)}`); }
  scenarioPlan(name) { return this.#json(`/api/v1/scenarios/${encodeURIComponent(name)}/plan`); }

  /** How evenly the pools of a scenario use their experts; none without experts on several ranks. */
  async expertBalance(name) {
    return (await this.#json(`/api/v1/scenarios/${encodeURIComponent(name)}/experts`)).pools;
  }

  /** Two runs of one stream, request by request; differences are B − A. */
  compare(a, b, limit) {
    return this.#json(`/api/v1/compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}&limit=${limit}`);
  }

  /** Observed against predicted. */
  residuals(id, limit = 500) { return this.#json(`/api/v1/runs/${encodeURIComponent(id)}/residuals?limit=${limit}`); }

  /** Runs a copy of a run ahead. @param {object} body traffic, horizon_s, growth, candidates */
  forecast(id, body) { return this.#ask(`/api/v1/runs/${encodeURIComponent(id)}/forecast`, body); }

  /** A run as it stood at a moment. @param {number|null} atNs null: now, or its end */
  moment(id, atNs, listed) {
    return this.#json(
      `/api/v1/runs/${encodeURIComponent(id)}/at?listed=${listed}${atNs === null ? '' : `&at_ns=${atNs}`}`);
  }

  windows(id, fromNs = 0, limit = 1000) {
    return this.#items(`/api/v1/runs/${encodeURIComponent(id)}/windows?from_ns=${fromNs}&limit=${limit}`);
  }

  replicas(id, limit) { return this.#items(`/api/v1/runs/${encodeURIComponent(id)}/replicas?limit=${limit}`); }

  /** The mean step of each AFD pool of a run that the daemon replays. */
  afdSteps(id) { return this.#items(`/api/v1/runs/${encodeURIComponent(id)}/afd`); }

  requests(id, { order, outcome, limit }) {
    return this.#items(
      `/api/v1/runs/${encodeURIComponent(id)}/requests?limit=${limit}&order=${order}&outcome=${outcome}`);
  }

  request(run, sequence) {
    return this.#json(`/api/v1/runs/${encodeURIComponent(run)}/requests/${sequence}`);
  }

  requestsById(requestId) { return this.#items(`/api/v1/requests/${encodeURIComponent(requestId)}`); }

  /** @param {'pause'|'resume'|'end'} action */
  control(stream, action) { return this.#post(`/api/v1/streams/${encodeURIComponent(stream)}/${action}`, null); }
  /** A run of the whole stream, or a copy of a run that goes on under another scenario. */
  addRun(stream, scenario) { return this.#post(`/api/v1/streams/${encodeURIComponent(stream)}/runs`, { scenario }); }
  forkRun(id, scenario, atNs = null) {
    return this.#post(
      `/api/v1/runs/${encodeURIComponent(id)}/fork`, atNs === null ? { scenario } : { scenario, at_ns: atNs });
  }
  stopRun(id) { return this.#post(`/api/v1/runs/${encodeURIComponent(id)}/stop`, null); }
  setSpeed(stream, factor) {
    return this.#post(`/api/v1/streams/${encodeURIComponent(stream)}/speed`, { speed: factor });
  }
  /** @param {string|null} search a file of searches; null: the history */
  query(sql, search = null) { return this.#ask('/api/v1/query', search === null ? { sql } : { sql, search }); }

  /** {items, folders, troubles} of the files of searches. */
  searches() { return this.#json('/api/v1/searches'); }
  search(file, id) { return this.#json(`/api/v1/searches/${encodeURIComponent(file)}/${encodeURIComponent(id)}`); }
  /** A cluster of a search as a scenario. */
  candidate(file, id, number) {
    return this.#json(`/api/v1/searches/${encodeURIComponent(file)}/${encodeURIComponent(id)}/candidates/${number}`);
  }

  addScenario(toml) { return this.#post('/api/v1/scenarios', toml, 'application/toml'); }

  async #items(path) { return (await this.#json(path)).items; }

  #json(path) { return this.#read(path, json); }

  /** @param {(response: Response) => Promise<any>} take reads the answer's body */
  async #read(path, take, options = {}) {
    for (let left = READ_TRIES; ; left -= 1) {
      try {
        return await this.#send(path, options, take);
      } catch (error) {
        if (left === 1 || !(error.cause instanceof TypeError)) throw error; // fetch's word for a broken connection
        await new Promise((done) => { setTimeout(done, READ_AGAIN_MS); });
      }
    }
  }

  /** @param {object|string|null} body text is sent as it is */
  #post(path, body, type) { return this.#send(path, posted(body, type), json); }
  /** Of what changes nothing. */
  #ask(path, body) { return this.#read(path, json, posted(body)); }

  async #send(path, options, take) {
    let response;
    try {
      response = await this.#fetch(this.#base + path, {
        ...options,
        headers: { ...options.headers, ...this.#access.headers() },
        cache: 'no-store',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (response.ok) return await take(response);
    } catch (error) {
      throw new ApiError(this.#base + whyNothing(error), 0, error);
    }
    const detail = await problemDetail(response);
    if (response.status === 401) this.#access.refused(detail);
    throw new ApiError(detail, response.status);
  }
}

const json = (response) => response.json();

function posted(body, type = 'application/json') {
  const text = body === null || typeof body === 'string' ? body : JSON.stringify(body);
  return { method: 'POST', headers: body === null ? {} : { 'content-type': type }, body: text };
}

function whyNothing(error) {
  if (error.name === 'TimeoutError') return ` gave no answer within ${TIMEOUT_MS / 1000} s`;
  return error instanceof SyntaxError ? ' answered something that is not JSON' : ' cannot be reached';
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
