-- Step 7: what production observed beside what runs predict. Rows of earlier steps have no more than they had.
ALTER TABLE request ADD COLUMN observed_tpot_ns INTEGER;        -- mean gap between output tokens, if it was given as such
ALTER TABLE request ADD COLUMN observed_cached_tokens INTEGER;  -- prompt tokens found in the server's prefix cache

-- Sums over the requests that finished in a window and carry an observation of the metric; a window is one of the
-- scenario's [drift], and has no row for a metric that nobody observed, unless its alarm is still raised.
CREATE TABLE residual_window (
    run_id          INTEGER NOT NULL,
    start_ns        INTEGER NOT NULL,
    metric          TEXT    NOT NULL,            -- ttft, tpot, e2e (nanoseconds), cached_tokens (tokens)
    length_ns       INTEGER NOT NULL,
    requests        INTEGER NOT NULL,
    predicted       INTEGER NOT NULL,            -- sum
    observed        INTEGER NOT NULL,            -- sum
    scale           INTEGER NOT NULL,            -- the bias is (predicted - observed) / scale: observed, or the prompt tokens
    relative_errors REAL    NOT NULL,            -- sum of |predicted - observed| / observed where observed > 0
    relative_count  INTEGER NOT NULL,            -- of those
    absolute_errors BLOB    NOT NULL,            -- histogram of |predicted - observed|
    alarm           INTEGER NOT NULL,            -- 1: the drift alarm of the metric is raised after this window
    PRIMARY KEY (run_id, start_ns, metric)
) STRICT, WITHOUT ROWID;

-- One row per finished request that carries an observation: observed, predicted, and their difference (predicted - observed).
CREATE VIEW residual AS
SELECT run_id, sequence, request_id, stream, scenario, arrived_ns, finished_ns, prompt_tokens, output_tokens,
       ttft_ns, observed_ttft_ns, ttft_ns - observed_ttft_ns AS ttft_error_ns,
       tpot_ns, observed_tpot_ns, tpot_ns - observed_tpot_ns AS tpot_error_ns,
       e2e_ns, observed_e2e_ns, e2e_ns - observed_e2e_ns AS e2e_error_ns,
       cached_tokens, observed_cached_tokens, cached_tokens - observed_cached_tokens AS cached_error_tokens
FROM (SELECT request.run_id, sequence, request.id AS request_id, stream.name AS stream, scenario.name AS scenario,
             arrived_ns, request.finished_ns, request.prompt_tokens, request.output_tokens, cached_tokens,
             first_token_ns - arrived_ns AS ttft_ns,
             CASE WHEN request.output_tokens >= 2
                  THEN (request.finished_ns - first_token_ns) / (request.output_tokens - 1) END AS tpot_ns,
             request.finished_ns - arrived_ns AS e2e_ns,
             observed_ttft_ns, observed_e2e_ns, observed_cached_tokens,
             CASE WHEN request.output_tokens >= 2
                  THEN coalesce(observed_tpot_ns, CASE WHEN observed_e2e_ns >= observed_ttft_ns
                                THEN (observed_e2e_ns - observed_ttft_ns) / (request.output_tokens - 1) END) END AS observed_tpot_ns
      FROM request
      JOIN run ON run.id = request.run_id
      JOIN stream ON stream.id = run.stream_id
      JOIN scenario ON scenario.id = run.scenario_id
      WHERE outcome = 'finished'
        AND (observed_ttft_ns IS NOT NULL OR observed_e2e_ns IS NOT NULL OR observed_tpot_ns IS NOT NULL
             OR observed_cached_tokens IS NOT NULL));

-- Runs that were added to a stream that had begun, and runs that were stopped.
ALTER TABLE run ADD COLUMN forked_from INTEGER;                 -- run that it is up to fork_ns; NULL: its own from the start
ALTER TABLE run ADD COLUMN fork_ns     INTEGER;                 -- everything before happened as in forked_from
ALTER TABLE run ADD COLUMN stopped     INTEGER NOT NULL DEFAULT 0;  -- 1: ended on request before its stream did; `state` is interrupted
