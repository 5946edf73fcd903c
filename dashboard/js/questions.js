// Questions that planners ask of the history and of searches: of the history, those of storage/README.md, word for word
// (a test compares them). RUN stands for the run that is chosen, `chart` for how the answer is drawn.

export const QUESTIONS = [
  {
    title: 'How did the runs compare?',
    chart: { x: 'scenario', y: 'ttft_p99_ms' },
    sql: `SELECT scenario, state, finished, rejected, ttft_p50_ms, ttft_p99_ms, tpot_p50_ms, tpot_p99_ms, slo_attainment
FROM run_summary ORDER BY stream, ttft_p99_ms;`
  },
  {
    title: 'TTFT and TPOT in every minute',
    chart: { x: 'minute', y: 'ttft_p99_ms', series: 'run_id' },
    sql: `SELECT run_id, arrived_ns / 60000000000 AS minute, count(*) AS requests,
       percentile(ttft_ms, 50) AS ttft_p50_ms, percentile(ttft_ms, 90) AS ttft_p90_ms,
       percentile(ttft_ms, 99) AS ttft_p99_ms, percentile(tpot_ms, 50) AS tpot_p50_ms,
       percentile(tpot_ms, 90) AS tpot_p90_ms, percentile(tpot_ms, 99) AS tpot_p99_ms
FROM request_latency GROUP BY run_id, minute;`
  },
  {
    title: 'The same over days, from histograms',
    chart: { x: 'hour', y: 'ttft_p99_ms', series: 'run_id' },
    sql: `SELECT run_id, start_ns / 3600000000000 AS hour,
       histogram_quantile(histogram_merge(ttft), 0.99) / 1e6 AS ttft_p99_ms
FROM window GROUP BY run_id, hour;`
  },
  {
    title: 'Where did the time of an average request go?',
    chart: { x: 'run_id', y: 'decode_ms' },
    sql: `SELECT run_id, avg(prefill_queue_ns) / 1e6 AS prefill_queue_ms, avg(prefill_compute_ns) / 1e6 AS prefill_ms,
       avg(transfer_wait_ns + transfer_ns) / 1e6 AS transfer_ms, avg(decode_queue_ns) / 1e6 AS decode_queue_ms,
       avg(decode_compute_ns) / 1e6 AS decode_ms, avg(batch_interference_ns) / 1e6 AS interference_ms,
       avg(preemption_stall_ns + recompute_ns) / 1e6 AS preemption_ms
FROM request WHERE outcome = 'finished' GROUP BY run_id;`
  },
  {
    title: 'Which requests waited longest, and on what?',
    chart: { x: 'request_id', y: 'ttft_ms' },
    sql: `SELECT request_id, l.prompt_tokens, ttft_ms, queue_ms, blame_step_in_flight_ns / 1e6 AS step_ms,
       blame_token_budget_ns / 1e6 AS budget_ms,
       blame_sequence_limit_ns / 1e6 AS sequences_ms, blame_kv_blocks_ns / 1e6 AS kv_ms,
       blame_other_prefill_ns / 1e6 AS others_prefill_ms
FROM request_latency AS l JOIN request USING (run_id, sequence)
WHERE run_id = RUN AND l.outcome = 'finished' ORDER BY ttft_ns DESC LIMIT 10;`
  },
  {
    title: 'TTFT by length of the prompt',
    chart: { x: 'thousands', y: 'ttft_p99_ms' },
    sql: `SELECT prompt_tokens / 1000 AS thousands, count(*) AS requests, percentile(ttft_ms, 99) AS ttft_p99_ms
FROM request_latency WHERE run_id = RUN GROUP BY thousands ORDER BY thousands;`
  },
  {
    title: 'Why were requests rejected?',
    chart: { x: 'reject_reason', y: 'requests', series: 'run_id' },
    sql: `SELECT run_id, reject_reason, count(*) AS requests, min(prompt_tokens) AS shortest_prompt
FROM request WHERE outcome = 'rejected' GROUP BY run_id, reject_reason;`
  },
  {
    title: 'Which pool is the bottleneck?',
    chart: { x: 'name', y: 'busy_ratio', series: 'run_id' },
    sql: `SELECT run_id, pool.name, pool.gpu, pool.replicas,
       sum(pool_window.busy_ns) * 1.0 / (sum(window.length_ns) * pool.replicas) AS busy_ratio,
       max(pool_window.kv_blocks_used * 1.0 / pool_window.kv_blocks_total) AS kv_ratio_max,
       max(pool_window.waiting) AS waiting_max
FROM pool_window JOIN window USING (run_id, start_ns) JOIN pool USING (run_id, pool) GROUP BY run_id, pool.pool;`
  },
  {
    title: 'Where does the memory of a GPU go?',
    chart: { x: 'item', y: 'gb', series: 'name' },
    sql: `SELECT pool.name, item, bytes / 1e9 AS gb, basis, formula, beside_budget, pool.blocks AS kv_blocks
FROM memory_plan JOIN pool USING (run_id, pool) WHERE run_id = RUN ORDER BY pool.pool, line;`
  },
  {
    title: 'How far is the replay from what production measured?',
    chart: { x: 'run_id', y: 'ttft_bias' },
    sql: `SELECT run_id, 1.0 * sum(ttft_error_ns) / sum(observed_ttft_ns) AS ttft_bias,
       avg(abs(ttft_error_ns) * 1.0 / observed_ttft_ns) AS ttft_mape,
       percentile(abs(e2e_error_ns), 90) / 1e6 AS e2e_error_p90_ms, sum(cached_error_tokens) AS cached_tokens_more
FROM residual GROUP BY run_id;`
  },
  {
    title: 'How full was each GPU over time?',
    chart: { x: 'second', y: 'used_gb', series: 'replica' },
    sql: `SELECT run_id, pool, replica, start_ns / 1e9 AS second, weights_bytes / 1e9 AS weights_gb,
       other_bytes / 1e9 AS other_gb,
       kv_used_bytes / 1e9 AS used_gb, kv_cached_bytes / 1e9 AS cached_gb, kv_free_bytes / 1e9 AS free_gb
FROM replica_memory WHERE run_id = RUN ORDER BY replica, start_ns;`
  },
  {
    title: 'Since when is the replay off, and in what?',
    chart: { x: 'second', y: 'bias', series: 'metric' },
    sql: `SELECT run_id, start_ns / 1e9 AS second, metric, requests, 1.0 * (predicted - observed) / scale AS bias,
       relative_errors / relative_count AS mape, histogram_quantile(absolute_errors, 0.9) / 1e6 AS error_p90_ms, alarm
FROM residual_window ORDER BY run_id, start_ns, metric;`
  },
  {
    title: 'Tables and views',
    chart: {},
    sql: `SELECT type, name, sql FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY type, name;`
  }
];

/** Questions to a file of searches: those of replay/search/README.md, word for word. */
export const SEARCH_QUESTIONS = [
  {
    title: 'What did each search try?',
    chart: { x: 'trace', y: 'trials' },
    sql: `SELECT search.id, trace, search.arrivals, count(*) AS trials, count(DISTINCT candidate) AS candidates,
       sum(possible) AS replayed, sum(stopped_after > 0) AS ended_early
FROM search JOIN trial ON trial.search = search.id GROUP BY search.id;`
  },
  {
    title: 'The cheapest within 2 s TTFT and 50 ms TPOT',
    chart: { x: 'settings', y: 'price_per_hour' },
    sql: `SELECT settings, gpus, price_per_hour, ttft_p99_ns / 1e6 AS ttft_p99_ms, tpot_p99_ns / 1e6 AS tpot_p99_ms
FROM trial WHERE possible AND rejected = 0 AND stopped_after = 0 AND ttft_p99_ns <= 2e9 AND tpot_p99_ns <= 50e6
ORDER BY price_per_hour, gpus LIMIT 20;`
  },
  {
    title: 'Price against latency, every trial',
    chart: { x: 'price_per_hour', y: 'ttft_p99_ms' },
    sql: `SELECT price_per_hour, min(ttft_p99_ns) / 1e6 AS ttft_p99_ms, min(tpot_p99_ns) / 1e6 AS tpot_p99_ms,
       count(*) AS clusters
FROM trial WHERE possible AND rejected = 0 AND stopped_after = 0 GROUP BY price_per_hour ORDER BY price_per_hour;`
  },
  {
    title: 'Which P:D ratio gives the most per GPU?',
    chart: { x: 'prefill_share', y: 'tokens_per_s_per_gpu' },
    sql: `SELECT round(1.0 * prefill_gpus / gpus, 2) AS prefill_share,
       max(output_tokens * 1e9 / span_ns / gpus) AS tokens_per_s_per_gpu,
       min(ttft_p99_ns) / 1e6 AS ttft_p99_ms, min(tpot_p99_ns) / 1e6 AS tpot_p99_ms
FROM trial WHERE possible AND prefill_gpus > 0 AND stopped_after = 0 GROUP BY prefill_share ORDER BY prefill_share;`
  },
  {
    title: 'Why are clusters not possible?',
    chart: { x: 'reason', y: 'clusters' },
    sql: `SELECT reason, count(*) AS clusters, min(settings) AS one_of_them
FROM trial WHERE NOT possible GROUP BY reason ORDER BY clusters DESC;`
  }
];

/** The question about one run. */
export const questionFor = (question, run) => question.sql.replaceAll('RUN', String(run));
