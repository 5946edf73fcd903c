// A stand-in for replayd that serves the contract of daemon/api.md from made-up, moving data: for tests of the
// page's states, and for working on the page (`node tests/dashboard/browser/fake_daemon.mjs [PORT] [RUNS]`).

import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { comparisonOf, expertBalances, exposition, forecastOf, momentOf, residualsOf } from './fake_answers.mjs';
import { FakeStream, scenarioItems } from './fake_data.mjs';
import { fakeCandidate, fakeSearch, SEARCH_FILE, SEARCH_ID } from './fake_search.mjs';
import { acceptWebSocket } from './fake_websocket.mjs';
import { serveStatic } from './static_files.mjs';

export class FakeDaemon {
  streams = [];
  /** What answers: "all", "metrics" (no API, no websocket) or "none". The page itself is always served. */
  mode = 'all';
  /** Whether arrivals carry what production observed. */
  observed = false;
  /** Clusters that its search has tried; null: no folder of searches. */
  searched = 24;
  /** Requests of the page that changed something: "POST /path body". */
  commands = [];
  #server = createServer((request, response) => this.#answer(request, response));
  #live = new Set();
  #sockets = new Set();

  async listen(port = 0) {
    this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
    return this;
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Lets `windows` windows pass on every unfinished stream and tells the live readers. */
  advance(windows = 1) {
    for (const stream of this.streams.filter((item) => item.state === 'running')) {
      stream.advance(windows);
      for (const run of stream.runs) {
        this.#broadcast({ type: 'windows', run: run.id, items: run.windows.slice(-windows) });
        this.#broadcast({ type: 'requests', run: run.id, items: run.requests.slice(-5) });
      }
    }
    this.#broadcast({ type: 'streams', items: this.streams.map((stream) => stream.json) });
  }

  /** Changes what answers, dropping live connections where they would no longer be served. */
  setMode(mode) {
    this.mode = mode;
    if (mode !== 'all') for (const { socket } of this.#live) socket.destroy();
  }

  #broadcast(message) {
    for (const { send } of this.#live) send(message);
  }

  #upgrade(request, socket) {
    socket.on('error', () => {});
    if (this.mode !== 'all') return socket.destroy();
    const client = { socket, send: acceptWebSocket(request, socket, 'replayd.live.v1') };
    this.#live.add(client);
    socket.on('close', () => this.#live.delete(client));
    client.send({ type: 'streams', items: this.streams.map((stream) => stream.json) });
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.url);
    if (await this.#answerData(request, response, url)) return;
    if (await serveStatic(url.pathname, response)) return;
    problem(response, 404, `no ${url.pathname}`);
  }

  async #answerData(request, response, url) {
    const isApi = url.pathname.startsWith('/api/') || url.pathname === '/version';
    if (url.pathname !== '/metrics' && !isApi) return false;
    if (this.mode === 'none' || (this.mode === 'metrics' && isApi)) {
      request.socket.destroy();
      return true;
    }
    if (!isApi) {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4', 'access-control-allow-origin': '*' });
      response.end(exposition(this.streams));
      return true;
    }
    const answer = request.method === 'POST' ? await this.#post(request, url) : this.#get(url);
    if (answer === undefined) problem(response, 404, `no ${url.pathname}`);
    else reply(response, 200, answer);
    return true;
  }

  #run(id) { return this.#runs.find((item) => String(item.id) === id); }

  get #runs() { return this.streams.flatMap((stream) => stream.runs); }

  #get(url) {
    if (url.pathname === '/version') return { version: '0.1.0', schema_version: 7 };
    const [resource, name, part, argument] = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    if (resource === 'streams') return { items: this.streams.map((stream) => stream.json) };
    if (resource === 'scenarios' && part === 'plan')
      return { scenario: name, pools: this.#runs.find((run) => run.scenario.name === name)?.plans ?? [] };
    if (resource === 'scenarios' && part === 'experts') return { scenario: name, pools: expertBalances(name) };
    if (resource === 'scenarios') return { items: scenarioItems };
    if (resource === 'requests')
      return { items: this.#runs.flatMap((run) => run.requests.filter((request) => request.id === name)) };
    if (resource === 'searches') return this.#searches(url.pathname.slice('/api/v1/searches'.length).split('/').slice(1)
      .map(decodeURIComponent));
    if (resource === 'compare') return comparisonOf(...['a', 'b'].map((side) => this.#run(url.searchParams.get(side))),
      Number(url.searchParams.get('limit')));
    if (name === undefined) return { items: this.#runs.map((run) => run.json).reverse() };
    const run = this.#run(name);
    if (part === 'residuals') return this.observed ? residualsOf(run) : { rule: null, alarms: [], whole: null,
      items: [] };
    if (part === 'windows')
      return { items: run.windows.filter((window) => window.start_ns >= Number(url.searchParams.get('from_ns'))) };
    if (part === 'at') return momentOf(run, url.searchParams);
    if (part === 'replicas') return { items: run.replicas };
    if (part === 'requests' && argument !== undefined) return run.requests[Number(argument)];
    if (part === 'requests') return { items: sorted(run.requests, url.searchParams) };
    return run === undefined ? undefined : { ...run.json, plans: run.plans };
  }

  async #post(request, url) {
    let body = '';
    for await (const chunk of request) body += chunk;
    this.commands.push(`POST ${url.pathname} ${body}`.trim());
    const [resource, name, action] = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    if (resource === 'query') return this.#query(JSON.parse(body));
    if (resource === 'scenarios') return { name: /^name = "(.+)"/.exec(body)[1] };
    if (action === 'fork') return { ...this.#run(name).json, id: 99, scenario: JSON.parse(body).scenario };
    if (action === 'forecast') return forecastOf(this.#run(name), JSON.parse(body));
    const stream = this.streams.find((item) => item.name === name);
    if (action === 'pause') stream.state = 'paused';
    if (action === 'resume') stream.state = 'running';
    if (action === 'end') stream.finish();
    if (action === 'speed') stream.speed = JSON.parse(body).speed;
    return stream.json;
  }

  #searches([file, id, part, number]) {
    if (this.searched === null) return { items: [], folders: [], troubles: [] };
    const { item, search } = fakeSearch(this.searched);
    if (file === undefined) return { items: [item], folders: ['searches'], troubles: [] };
    if (file !== SEARCH_FILE || id !== SEARCH_ID) return undefined;
    return part === 'candidates' ? fakeCandidate(Number(number)) : search;
  }

  #query({ sql, search }) {
    if (search !== undefined) return { columns: ['reason', 'clusters'], rows: [[`of ${search}`, 1]], truncated: false,
      elapsed_ms: 1 };
    const [, run] = /prompt_bin[^]*run_id = (\d+)/.exec(sql) ?? [];
    if (run !== undefined) return lengthsAnswer(this.#runs.find((item) => String(item.id) === run).requests);
    if (/\bminute\b/.test(sql)) return minutesAnswer(this.#runs);
    return { columns: ['run', 'scenario', 'ttft_p99_ns'], rows: this.#runs.map((run) => [run.id, run.scenario.name,
      run.json.ttft?.p99_ns ?? null]), truncated: false, elapsed_ms: 3 };
  }
}

/** What the history answers to the question of the vLLM panels, coarsely binned. */
function lengthsAnswer(requests) {
  const bin = (tokens) => Math.ceil(Math.log10(Math.max(1, tokens)) * 3);
  return { columns: ['slot', 'outcome', 'prompt_bin', 'output_bin', 'requests', 'output_tokens', 'prefill_ns',
    'decode_ns'], truncated: false, elapsed_ms: 2,
    rows: requests.map((item) => [Math.floor(item.finished_ns / 60e9), item.outcome, bin(item.prompt_tokens),
      bin(item.output_tokens), 1, item.output_tokens,
      item.first_token_ns - item.scheduled_ns, item.finished_ns - item.first_token_ns]) };
}

/** TTFT by minute of every run, as the second question of storage/README.md answers. */
function minutesAnswer(runs) {
  const rows = runs.flatMap((run) => run.windows.filter((_, index) => index % 6 === 0)
    .map((window) => [run.id, Math.floor(window.start_ns / 60e9), window.finished * 6, window.ttft.p99_ns / 1e6]));
  return { columns: ['run_id', 'minute', 'requests', 'ttft_p99_ms'], rows, truncated: false, elapsed_ms: 4 };
}

function sorted(requests, search) {
  const outcome = search.get('outcome');
  const field = { slowest_ttft: 'ttft_ns', slowest_e2e: 'e2e_ns' }[search.get('order')] ?? 'sequence';
  return requests.filter((request) => outcome === 'any' || request.outcome === outcome)
    .sort((a, b) => b[field] - a[field]).slice(0, Number(search.get('limit')));
}

function reply(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' });
  response.end(JSON.stringify(body));
}

function problem(response, status, detail) {
  response.writeHead(status, { 'content-type': 'application/problem+json', 'access-control-allow-origin': '*' });
  response.end(JSON.stringify({ type: 'about:blank', title: 'Not Found', status, code: 'not_found', detail }));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [port = '8480', runs = '2'] = process.argv.slice(2);
  const daemon = await new FakeDaemon().listen(Number(port));
  daemon.streams = [new FakeStream('azure-conv', Number(runs))];
  daemon.advance(60);
  setInterval(() => daemon.advance(), 500);
  console.log(`fake replayd at ${daemon.url}/`);
}
