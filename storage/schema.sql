-- The history of replayd, step 1 of its schema. README.md explains every table.
-- Times in `_ns` are virtual nanoseconds since the stream's epoch, `_ms` are wall milliseconds since the
-- Unix epoch. Only `speed` is REAL. `run_id` columns of the hot tables carry no foreign key: the writer
-- checks the run once per batch of rows instead of once per row.

CREATE TABLE stream (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL UNIQUE,
    speed         REAL    NOT NULL,              -- factor of real time; 0: as fast as possible
    created_ms    INTEGER NOT NULL,
    ended         INTEGER NOT NULL,              -- 1: no arrival follows
    paused        INTEGER NOT NULL,
    traced_system TEXT                           -- JSON that the client sent; NULL if none
) STRICT;

-- The durable log: one row per acknowledged batch, as it came.
CREATE TABLE arrival_batch (
    id             INTEGER PRIMARY KEY,
    stream_id      INTEGER NOT NULL REFERENCES stream (id),
    seq            INTEGER NOT NULL,             -- 1, 2, 3, … without gaps
    arrivals       INTEGER NOT NULL,
    arrivals_total INTEGER NOT NULL,             -- of the stream, this batch included
    watermark_ns   INTEGER NOT NULL,             -- no later arrival is earlier
    payload        BLOB    NOT NULL,             -- a serialized replayd.v1 ArrivalBatch
    UNIQUE (stream_id, seq)
) STRICT;

-- A scenario is its text: the same text is the same row.
CREATE TABLE scenario (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,
    description   TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    disaggregated INTEGER NOT NULL,              -- 1: a prefill and a decode pool
    gpus          INTEGER NOT NULL,              -- of all pools
    slo_ttft_ns   INTEGER,                       -- NULL: no objective
    slo_tpot_ns   INTEGER,
    window_ns     INTEGER NOT NULL,
    toml          TEXT    NOT NULL,
    UNIQUE (name, toml)
) STRICT;

CREATE TABLE run (
    id                INTEGER PRIMARY KEY,
    stream_id         INTEGER NOT NULL REFERENCES stream (id),
    scenario_id       INTEGER NOT NULL REFERENCES scenario (id),
    engine_version    TEXT    NOT NULL,
    created_ms        INTEGER NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN ('running', 'finished', 'failed', 'interrupted')),
    finished_ms       INTEGER,                   -- NULL while running
    hash              TEXT,                      -- of the event log; NULL while running
    failure           TEXT,                      -- why it failed; NULL otherwise
    -- Totals at the end of the run; 0 while running. run_summary sums the windows instead.
    virtual_ns             INTEGER NOT NULL DEFAULT 0,
    arrived                INTEGER NOT NULL DEFAULT 0,
    waiting                INTEGER NOT NULL DEFAULT 0,
    running                INTEGER NOT NULL DEFAULT 0,
    transferring           INTEGER NOT NULL DEFAULT 0,
    finished               INTEGER NOT NULL DEFAULT 0,
    rejected               INTEGER NOT NULL DEFAULT 0,
    preemptions            INTEGER NOT NULL DEFAULT 0,
    steps                  INTEGER NOT NULL DEFAULT 0,
    prompt_tokens          INTEGER NOT NULL DEFAULT 0,
    output_tokens          INTEGER NOT NULL DEFAULT 0,
    kv_blocks_used         INTEGER NOT NULL DEFAULT 0,
    kv_blocks_total        INTEGER NOT NULL DEFAULT 0,
    last_batch_sequences   INTEGER NOT NULL DEFAULT 0,
    kv_blocks_cached       INTEGER NOT NULL DEFAULT 0,
    cache_queried_tokens   INTEGER NOT NULL DEFAULT 0,
    cache_hit_tokens       INTEGER NOT NULL DEFAULT 0,
    cache_inserted_entries INTEGER NOT NULL DEFAULT 0,
    cache_evicted_entries  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX run_by_stream ON run (stream_id);

-- The pools of a run and the head of each memory plan (bytes of one GPU).
CREATE TABLE pool (
    run_id                  INTEGER NOT NULL REFERENCES run (id),
    pool                    INTEGER NOT NULL,    -- position in the scenario, from 0
    name                    TEXT    NOT NULL,
    role                    TEXT    NOT NULL,    -- mixed, prefill, decode
    gpu                     TEXT    NOT NULL,
    replicas                INTEGER NOT NULL,
    gpus                    INTEGER NOT NULL,    -- of one replica
    device_bytes            INTEGER NOT NULL,
    budget_bytes            INTEGER NOT NULL,
    kv_bytes_per_token      INTEGER NOT NULL,
    kv_bytes_per_block      INTEGER NOT NULL,
    state_bytes_per_request INTEGER NOT NULL,
    fitting_blocks          INTEGER NOT NULL,
    blocks                  INTEGER NOT NULL,
    pinned                  INTEGER NOT NULL,
    parameters              INTEGER NOT NULL,
    PRIMARY KEY (run_id, pool)
) STRICT, WITHOUT ROWID;

CREATE TABLE memory_plan (
    run_id  INTEGER NOT NULL REFERENCES run (id),
    pool    INTEGER NOT NULL,
    line    INTEGER NOT NULL,                    -- position in the plan, from 0
    item    TEXT    NOT NULL,
    bytes   INTEGER NOT NULL,
    formula TEXT    NOT NULL,
    PRIMARY KEY (run_id, pool, line)
) STRICT, WITHOUT ROWID;

-- One row per request and run: outcome, times, and the ledger, whose parts sum to finished - arrived.
CREATE TABLE request (
    run_id                INTEGER NOT NULL,
    sequence              INTEGER NOT NULL,      -- position of the arrival in its stream, from 0
    id                    TEXT    NOT NULL,
    conversation          TEXT,
    slo_class             TEXT,
    model                 TEXT,
    outcome               TEXT    NOT NULL,      -- finished, rejected
    reject_reason         TEXT,
    prompt_tokens         INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    cached_tokens         INTEGER NOT NULL,
    arrived_ns            INTEGER NOT NULL,
    scheduled_ns          INTEGER NOT NULL,
    first_token_ns        INTEGER NOT NULL,
    decode_started_ns     INTEGER NOT NULL,
    finished_ns           INTEGER NOT NULL,
    preemptions           INTEGER NOT NULL,
    prefill_replica       INTEGER NOT NULL,      -- -1: never routed
    decode_replica        INTEGER NOT NULL,      -- -1: never decoded
    gateway_queue_ns      INTEGER NOT NULL,
    routing_ns            INTEGER NOT NULL,
    prefill_queue_ns      INTEGER NOT NULL,
    prefill_compute_ns    INTEGER NOT NULL,
    chunk_wait_ns         INTEGER NOT NULL,
    transfer_wait_ns      INTEGER NOT NULL,
    transfer_ns           INTEGER NOT NULL,
    decode_queue_ns       INTEGER NOT NULL,
    decode_compute_ns     INTEGER NOT NULL,
    batch_interference_ns INTEGER NOT NULL,
    preemption_stall_ns   INTEGER NOT NULL,
    recompute_ns          INTEGER NOT NULL,
    observed_ttft_ns      INTEGER,               -- what production measured
    observed_e2e_ns       INTEGER,
    PRIMARY KEY (run_id, sequence)
) STRICT, WITHOUT ROWID;

-- Sums over one window of virtual time; the four blobs are mergeable histograms of nanoseconds.
CREATE TABLE window (
    id                    INTEGER PRIMARY KEY,
    run_id                INTEGER NOT NULL REFERENCES run (id),
    start_ns              INTEGER NOT NULL,
    length_ns             INTEGER NOT NULL,
    arrived               INTEGER NOT NULL,
    finished              INTEGER NOT NULL,
    rejected              INTEGER NOT NULL,
    within_slo            INTEGER NOT NULL,
    prompt_tokens         INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    steps                 INTEGER NOT NULL,
    preemptions           INTEGER NOT NULL,
    waiting               INTEGER NOT NULL,      -- this and the next four: at the window's end
    running               INTEGER NOT NULL,
    transferring          INTEGER NOT NULL,
    kv_blocks_used        INTEGER NOT NULL,
    kv_blocks_total       INTEGER NOT NULL,
    busy_ns               INTEGER NOT NULL,
    batch_tokens          INTEGER NOT NULL,
    batch_sequences       INTEGER NOT NULL,
    gateway_queue_ns      INTEGER NOT NULL,      -- ledger parts, summed over finished requests
    routing_ns            INTEGER NOT NULL,
    prefill_queue_ns      INTEGER NOT NULL,
    prefill_compute_ns    INTEGER NOT NULL,
    chunk_wait_ns         INTEGER NOT NULL,
    transfer_wait_ns      INTEGER NOT NULL,
    transfer_ns           INTEGER NOT NULL,
    decode_queue_ns       INTEGER NOT NULL,
    decode_compute_ns     INTEGER NOT NULL,
    batch_interference_ns INTEGER NOT NULL,
    preemption_stall_ns   INTEGER NOT NULL,
    recompute_ns          INTEGER NOT NULL,
    ttft                  BLOB    NOT NULL,
    tpot                  BLOB    NOT NULL,
    e2e                   BLOB    NOT NULL,
    queue                 BLOB    NOT NULL,
    UNIQUE (run_id, start_ns)
) STRICT;

CREATE TABLE pool_window (
    run_id          INTEGER NOT NULL REFERENCES run (id),
    start_ns        INTEGER NOT NULL,
    pool            INTEGER NOT NULL,
    waiting         INTEGER NOT NULL,
    running         INTEGER NOT NULL,
    kv_blocks_used  INTEGER NOT NULL,
    kv_blocks_total INTEGER NOT NULL,
    steps           INTEGER NOT NULL,
    busy_ns         INTEGER NOT NULL,
    prompt_tokens   INTEGER NOT NULL,
    output_tokens   INTEGER NOT NULL,
    PRIMARY KEY (run_id, start_ns, pool)
) STRICT, WITHOUT ROWID;

-- Latencies of finished and rejected requests, with names; the `_ms` columns are for reading.
CREATE VIEW request_latency AS
SELECT run_id, sequence, request_id, stream, scenario, outcome, arrived_ns, prompt_tokens, output_tokens,
       cached_tokens, preemptions, ttft_ns, tpot_ns, e2e_ns, queue_ns,
       ttft_ns / 1e6 AS ttft_ms, tpot_ns / 1e6 AS tpot_ms, e2e_ns / 1e6 AS e2e_ms, queue_ns / 1e6 AS queue_ms,
       observed_ttft_ns, observed_e2e_ns
FROM (SELECT request.run_id, sequence, request.id AS request_id, stream.name AS stream, scenario.name AS scenario,
             outcome, arrived_ns, request.prompt_tokens, request.output_tokens, cached_tokens, request.preemptions,
             CASE WHEN outcome = 'finished' THEN first_token_ns - arrived_ns END AS ttft_ns,
             CASE WHEN outcome = 'finished' AND request.output_tokens >= 2
                  THEN (finished_ns - first_token_ns) / (request.output_tokens - 1) END AS tpot_ns,
             finished_ns - arrived_ns AS e2e_ns,
             scheduled_ns - arrived_ns AS queue_ns,
             observed_ttft_ns, observed_e2e_ns
      FROM request
      JOIN run ON run.id = request.run_id
      JOIN stream ON stream.id = run.stream_id
      JOIN scenario ON scenario.id = run.scenario_id);

-- One line per run: state, sums over its windows so far, and quantiles of the merged histograms.
CREATE VIEW run_summary AS
SELECT run_id, stream, scenario, model, gpus, state, created_ms, finished_ms, hash,
       arrived, finished, rejected, preemptions, prompt_tokens, output_tokens, virtual_ns,
       CASE WHEN finished > 0 THEN 1.0 * within_slo / finished END AS slo_attainment,
       histogram_quantile(ttft, 0.5) / 1e6  AS ttft_p50_ms,
       histogram_quantile(ttft, 0.9) / 1e6  AS ttft_p90_ms,
       histogram_quantile(ttft, 0.99) / 1e6 AS ttft_p99_ms,
       histogram_quantile(tpot, 0.5) / 1e6  AS tpot_p50_ms,
       histogram_quantile(tpot, 0.9) / 1e6  AS tpot_p90_ms,
       histogram_quantile(tpot, 0.99) / 1e6 AS tpot_p99_ms,
       histogram_quantile(e2e, 0.5) / 1e6   AS e2e_p50_ms,
       histogram_quantile(e2e, 0.9) / 1e6   AS e2e_p90_ms,
       histogram_quantile(e2e, 0.99) / 1e6  AS e2e_p99_ms
FROM (SELECT run.id AS run_id, stream.name AS stream, scenario.name AS scenario, scenario.model, scenario.gpus,
             run.state, run.created_ms, run.finished_ms, run.hash,
             coalesce(sum(w.arrived), 0) AS arrived, coalesce(sum(w.finished), 0) AS finished,
             coalesce(sum(w.rejected), 0) AS rejected, coalesce(sum(w.preemptions), 0) AS preemptions,
             coalesce(sum(w.prompt_tokens), 0) AS prompt_tokens, coalesce(sum(w.output_tokens), 0) AS output_tokens,
             coalesce(max(w.start_ns + w.length_ns), 0) AS virtual_ns, coalesce(sum(w.within_slo), 0) AS within_slo,
             histogram_merge(w.ttft) AS ttft, histogram_merge(w.tpot) AS tpot, histogram_merge(w.e2e) AS e2e
      FROM run
      JOIN stream ON stream.id = run.stream_id
      JOIN scenario ON scenario.id = run.scenario_id
      LEFT JOIN window AS w ON w.run_id = run.id
      GROUP BY run.id);
