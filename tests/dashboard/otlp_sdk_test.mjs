// A real OpenTelemetry SDK sends spans of requests to a real daemon, with both exporters, plain and gzip; what arrived
// is asked by SQL.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { after, before, describe, test } from 'node:test';

const BUILD = process.env.REPLAYD_BUILD ?? 'build/release';
const DAEMON = join(BUILD, 'replayd');
const DASHBOARD = new URL('../../dashboard/', import.meta.url).pathname;
const PACKAGES = ['api', 'resources', 'sdk-trace-base', 'exporter-trace-otlp-http', 'exporter-trace-otlp-proto'];
const SCENARIO = 'llama-3.1-8b-h100-mixed';
const DEADLINE_MS = 180_000;

function missing() {
  if (!existsSync(DAEMON)) return `${DAEMON} isn't built (set REPLAYD_BUILD to the build folder)`;
  const absent = PACKAGES.find((name) => !existsSync(`${DASHBOARD}node_modules/@opentelemetry/${name}`));
  return absent === undefined ? null : `@opentelemetry/${absent} is not installed: run npm ci in dashboard/`;
}
const reason = missing();
if (reason !== null) console.log(`skipped: ${reason}`);

/** Polls until `ready` answers something true. */
async function until(what, ready) {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ready().catch(() => null);
    if (answer) return answer;
    assert.ok(Date.now() < deadline, `${what} within ${DEADLINE_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('spans of a real SDK', { skip: reason ?? false }, () => {
  let folder;
  let daemon;
  let base;
  let otel;

  before(async () => {
    const load = createRequire(`${DASHBOARD}package.json`);
    otel = Object.assign({}, ...PACKAGES.slice(0, 3).map((name) => load(`@opentelemetry/${name}`)));
    otel.exporters = {
      protobuf: load('@opentelemetry/exporter-trace-otlp-proto').OTLPTraceExporter,
      json: load('@opentelemetry/exporter-trace-otlp-http').OTLPTraceExporter,
    };
    folder = await mkdtemp(join(tmpdir(), 'replayd-otlp-'));
    const portFile = join(folder, 'port');
    daemon = spawn(DAEMON, ['--listen', '127.0.0.1:0', '--port-file', portFile, '--db', join(folder, 'history.sqlite')],
      { stdio: 'inherit' });
    await until('replayd ready', async () => {
      base = `http://127.0.0.1:${(await readFile(portFile, 'utf8')).trim()}`;
      return (await fetch(`${base}/readyz`)).ok;
    });
  });

  after(async () => {
    if (daemon !== undefined && daemon.exitCode === null) {
      daemon.kill('SIGTERM');
      await once(daemon, 'exit');
    }
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  const post = async (path, body, headers = { 'content-type': 'application/json' }) => fetch(base + path,
    { method: 'POST', body, headers });
  async function sql(statement) {
    const answer = await post('/api/v1/query', JSON.stringify({ sql: statement }));
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return JSON.parse(text).rows;
  }

  /**
   * Sends ten requests, of which each began 100 ms after the one before and took longer than the one after, and a span
   * of other work.
   */
  async function send(encoding, service, options) {
    const exporter = new otel.exporters[encoding]({ url: `${base}/v1/traces`,
      headers: { 'x-replayd-scenarios': SCENARIO }, ...options });
    const provider = new otel.BasicTracerProvider({
      resource: otel.resourceFromAttributes({ 'service.name': service }),
      spanProcessors: [new otel.BatchSpanProcessor(exporter)],
    });
    const tracer = provider.getTracer('test');
    const start = Date.now() - 5_000;
    const spans = Array.from({ length: 10 }, (_, i) => tracer.startSpan('chat', {
      startTime: start + 100 * i,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'llama-3.1-8b',
        'gen_ai.conversation.id': `c${i % 3}`,
        'gen_ai.usage.input_tokens': 100 + i,
        'gen_ai.usage.output_tokens': 10,
        'gen_ai.latency.time_to_first_token': 0.25,
        'gen_ai.usage.cache_read.input_tokens': 16,
      },
    }));
    const other = tracer.startSpan('GET /health', { startTime: start });
    for (let i = 9; i >= 0; i -= 1) spans[i].end(start + 3_000 - 200 * i);
    other.end();
    await provider.forceFlush();
    await provider.shutdown();
    assert.equal((await post(`/api/v1/streams/${service}/end`, '{}')).status, 200);
    await until('the run is over', async () => (await (await fetch(`${base}/api/v1/streams/${service}`)).json())
      .state === 'finished');
  }

  for (const [encoding, compression] of [['protobuf', 'none'], ['protobuf', 'gzip'], ['json', 'none'],
    ['json', 'gzip']]) {
    test(`${encoding}, compression ${compression}: each request arrives once, in order, with what was observed`,
      async () => {
      const service = `sdk-${encoding}-${compression}`;
      await send(encoding, service, { compression });
      const rows = await sql(
        `SELECT q.prompt_tokens, q.output_tokens, q.conversation, q.observed_ttft_ns, q.observed_cached_tokens,
          q.arrived_ns - min(q.arrived_ns) OVER (), q.observed_e2e_ns
        FROM request q JOIN run r ON r.id = q.run_id JOIN stream s ON s.id = r.stream_id
        WHERE s.name = '${service}' ORDER BY q.arrived_ns`);
      assert.deepEqual(rows, Array.from({ length: 10 }, (_, i) => [
        100 + i, 10, `c${i % 3}`, 250_000_000, 16, 100_000_000 * i, 1_000_000 * (3_000 - 300 * i),
      ]));
    });
  }

  test('a body that is not what its headers say is refused, and not to be sent again', async () => {
    const json = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const plain = await post('/v1/traces', '{}', json);
    assert.equal(plain.status, 400);
    assert.equal((await plain.json()).message, 'content-encoding is gzip and the body is not: expected gzip data');
    assert.equal((await post('/v1/traces', gzipSync('{}'), json)).status, 200);
    assert.equal((await post('/v1/traces', gzipSync('{}').subarray(0, 12), json)).status, 400);
    assert.equal((await post('/v1/traces', gzipSync(Buffer.alloc(40 << 20)), json)).status, 413);
    assert.equal((await post('/v1/traces', 'x', { ...json, 'content-encoding': 'br' })).status, 400);
    assert.equal((await post('/v1/traces', '\n', { 'content-type': 'application/x-protobuf' })).status, 400);
  });
});
