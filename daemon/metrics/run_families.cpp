// The series of one run.

#include <algorithm>
#include <array>

#include "daemon/metrics/families.hpp"
#include "daemon/stream/afd_step.hpp"
#include "daemon/stream/run_worker.hpp"

namespace replayd::metrics {
namespace {

Labels with(const Labels& base, const std::string& name, const std::string& value) {
    Labels labels = base;
    labels.emplace_back(name, value);
    return labels;
}

double ratio(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void add_latencies(Families& families, const Labels& labels, const WindowRecord& window,
                   const stream::RunStatus& so_far) {
    const auto add = [&](const char* name, const char* help, const Histogram& recent, const Histogram& total) {
        if (recent.count() > 0) families.summary(name, help, labels, recent, total);
    };
    add("replayd_ttft_seconds", "Virtual time to first token; quantiles of the last window with samples", window.ttft,
        so_far.ttft);
    add("replayd_tpot_seconds", "Virtual time per output token after the first, per request; quantiles of that window",
        window.tpot, so_far.tpot);
    add("replayd_e2e_seconds", "Virtual end-to-end latency; quantiles of that window", window.e2e, so_far.e2e);
    add("replayd_queue_seconds", "Virtual time until first scheduled; quantiles of that window", window.queue,
        so_far.queue);
    if (window.finished > 0) {
        families.gauge("replayd_slo_attainment_ratio",
                       "Share of that window's finished requests within every objective", labels,
                       ratio(window.within_slo, window.finished));
    }
}

void add_pool(Families& families, const Labels& labels, const PoolWindow& window, const PoolSpec& pool,
              Duration length) {
    const Labels of_pool = with(labels, "pool", pool.name);
    families.gauge("replayd_kv_usage_ratio", "KV blocks in use at the end of the last window", of_pool,
                   ratio(window.kv_blocks_used, window.kv_blocks_total));
    families.gauge("replayd_pool_busy_ratio", "Time in steps per replica in the last window", of_pool,
                   ratio(window.busy.value, length.value * pool.replicas));
    families.gauge("replayd_pool_requests_waiting", "Requests of the pool that wait", of_pool,
                   static_cast<double>(window.waiting));
    families.gauge("replayd_pool_requests_running", "Requests of the pool in the batch", of_pool,
                   static_cast<double>(window.running));
}

void add_last_window(Families& families, const Labels& labels, const WindowRecord& window, const Scenario& scenario) {
    const double seconds = to_seconds(window.length);
    families.gauge("replayd_prompt_tokens_per_second", "Prompt tokens computed per virtual second in the last window",
                   labels, static_cast<double>(window.prompt_tokens.value) / seconds);
    families.gauge("replayd_output_tokens_per_second", "Output tokens made per virtual second in the last window",
                   labels, static_cast<double>(window.output_tokens.value) / seconds);
    families.gauge("replayd_batch_sequences", "Mean sequences of a step in the last window", labels,
                   ratio(window.batch_sequences, window.steps));
    for (std::size_t i = 0; i < window.pools.size() && i < scenario.pools.size(); ++i) {
        add_pool(families, labels, window.pools[i], scenario.pools[i], window.length);
    }
}

/// Of the mean step of the window, per AFD pool.
void add_afd(Families& families, const Labels& labels, const CompiledScenario& compiled, const WindowRecord& window) {
    for (const stream::AfdStep& step : stream::afd_steps(compiled, window)) {
        const afd::StepView view = step.cost->view(step.ranks);
        const Labels of_pool = with(labels, "pool", step.pool);
        families.gauge("replayd_afd_step_seconds", "Mean step of the AFD pool in the last window", of_pool,
                       to_seconds(view.total));
        const auto network = [&](const char* exposure, Duration time) {
            families.gauge("replayd_afd_network_seconds", "Transfers of that step, by whether other work hides them",
                           with(of_pool, "exposure", exposure), to_seconds(time));
        };
        network("hidden", view.hidden_network());
        network("exposed", view.exposed_network());
        for (std::size_t r = 0; r < afd::k_resources; ++r) {
            families.gauge("replayd_afd_idle_ratio",
                           "Share of that step in which the resource has nothing to do: its bubbles",
                           with(of_pool, "resource", std::string(afd::k_resource_names[r])),
                           view.idle_share(static_cast<afd::Resource>(r)));
        }
    }
}

/// Observed against predicted, of the last window of residuals.
void add_residuals(Families& families, const Labels& labels, const ResidualWindow& window) {
    for (std::size_t i = 0; i < k_residual_metrics; ++i) {
        const ResidualSums& sums = window.metrics[i];
        const Labels of_metric = with(labels, "metric", std::string(k_residual_metric_names[i]));
        families.gauge("replayd_drift_alarm", "1 while what the run predicts has drifted from what was observed",
                       of_metric, sums.alarm ? 1 : 0);
        if (sums.count == 0) continue;
        families.gauge("replayd_residual_requests", "Requests of the last residual window with an observation",
                       of_metric, static_cast<double>(sums.count));
        if (const auto bias = sums.bias()) {
            families.gauge("replayd_residual_bias_ratio",
                           "(predicted - observed) / observed, of cached tokens / prompt tokens, of that window's sums",
                           of_metric, *bias);
        }
        if (const auto mape = sums.mape()) {
            families.gauge("replayd_residual_mape_ratio", "Mean absolute relative error of that window's requests",
                           of_metric, *mape);
        }
        const auto p90 = static_cast<double>(sums.absolute_errors.quantile(0.9));
        if (static_cast<ResidualMetric>(i) == ResidualMetric::cached_tokens) {
            families.gauge("replayd_residual_p90_tokens", "90th percentile of the absolute errors of that window",
                           of_metric, p90);
        } else {
            families.gauge("replayd_residual_p90_seconds", "90th percentile of the absolute errors of that window",
                           of_metric, p90 * 1e-9);
        }
    }
}

void add_snapshot(Families& families, const Labels& labels, const RunSnapshot& now) {
    const auto gauge = [&](const char* name, const char* help, std::int64_t value) {
        families.gauge(name, help, labels, static_cast<double>(value));
    };
    const auto counter = [&](const char* name, const char* help, std::int64_t value) {
        families.counter(name, help, labels, static_cast<double>(value));
    };
    gauge("replayd_requests_waiting", "Requests that wait to be scheduled", now.waiting);
    gauge("replayd_requests_running", "Requests in a batch", now.running);
    gauge("replayd_requests_transferring",
          "Requests whose KV cache waits for or is on the wire, or the link from the host", now.transferring);
    gauge("replayd_transfer_backlog_requests", "Requests whose KV cache waits for a destination or the link",
          now.transferring);
    counter("replayd_requests_arrived_total", "Requests that arrived", now.arrived);
    counter("replayd_requests_finished_total", "Requests that finished", now.finished);
    counter("replayd_requests_rejected_total", "Requests that can never be served", now.rejected);
    counter("replayd_prompt_tokens_total", "Prompt tokens computed, recomputation included", now.prompt_tokens.value);
    counter("replayd_output_tokens_total", "Output tokens made", now.output_tokens.value);
    counter("replayd_preemptions_total", "Recompute preemptions", now.preemptions);
    counter("replayd_replicas_started_total", "Replicas that autoscaling started", now.replicas_started);
    counter("replayd_replicas_stopped_total", "Replicas that autoscaling stopped, after they were drained",
            now.replicas_stopped);
    families.counter("replayd_gpu_seconds_total", "GPUs that are paid for x virtual time, from the first arrival on",
                     labels, to_seconds(now.gpu_time));
    counter("replayd_afd_failed_steps_total", "Tries of steps that ended in an AFD server's timeout", now.failed_steps);
    families.gauge("replayd_virtual_clock_seconds", "Virtual time of the run since the stream's epoch", labels,
                   to_seconds(now.now));
}

/// One sample for each tier of the prefix caches.
void add_tiers(Families& families, const Labels& labels, const char* name, const char* help, std::int64_t device,
               std::int64_t host) {
    families.counter(name, help, with(labels, "tier", "device"), static_cast<double>(device));
    families.counter(name, help, with(labels, "tier", "host"), static_cast<double>(host));
}

void add_slo_classes(Families& families, const Labels& labels, const WindowRecord& window, const Scenario& scenario) {
    for (std::size_t i = 0; i < window.slo_classes.size() && i < scenario.slo_classes.size(); ++i) {
        const SloClassWindow& counts = window.slo_classes[i];
        if (counts.finished == 0) continue;
        families.gauge("replayd_slo_class_attainment_ratio",
                       "Share of the class's requests finished in that window within every objective of the class",
                       with(labels, "slo_class", scenario.slo_classes[i].name),
                       ratio(counts.within_slo, counts.finished));
    }
}

void add_scenario(Families& families, const Labels& labels, const Scenario& scenario, stream::RunPhase phase) {
    if (scenario.slo.ttft.value > 0) {
        families.gauge("replayd_ttft_objective_seconds", "Objective of the scenario for the time to first token",
                       labels, to_seconds(scenario.slo.ttft));
    }
    if (scenario.slo.tpot.value > 0) {
        families.gauge("replayd_tpot_objective_seconds", "Objective of the scenario for the time per output token",
                       labels, to_seconds(scenario.slo.tpot));
    }
    static constexpr std::array<const char*, 4> names = {"running", "finished", "failed", "stopped"};
    Labels info = with(labels, "state", names[static_cast<std::size_t>(phase)]);
    info.emplace_back("model", scenario.model.name);
    info.emplace_back("gpu", scenario.pools.front().gpu.name);
    families.gauge("replayd_run_info", "What the run is", info, 1);
}

}  // namespace

void add_prefix_cache(Families& families, const Labels& labels, const RunSnapshot& now) {
    const CacheCounters& cache = now.cache;
    families.counter("replayd_prefix_queried_tokens_total", "Tokens of admitted contexts, looked up in a prefix cache",
                     labels, static_cast<double>(cache.queried_tokens));
    add_tiers(families, labels, "replayd_prefix_hit_tokens_total", "Of the tokens looked up, those found in the tier",
              cache.hit_tokens - cache.host_hit_tokens, cache.host_hit_tokens);
    add_tiers(families, labels, "replayd_prefix_inserted_entries_total", "Hashed blocks that the tier took in",
              cache.inserted_entries, cache.host_stored_entries);
    add_tiers(families, labels, "replayd_prefix_evicted_entries_total", "Hashed blocks that left the tier",
              cache.evicted_entries, cache.host_evicted_entries);
    families.counter("replayd_host_loaded_blocks_total", "KV blocks loaded from the host", labels,
                     static_cast<double>(cache.host_loaded_blocks));
    if (now.host_blocks_total == 0) return;
    families.gauge("replayd_host_kv_usage_ratio", "Blocks in use of those that the host tiers hold", labels,
                   ratio(now.host_blocks_used, now.host_blocks_total));
}

void add_run(Families& families, const stream::RunWorker& run, std::int64_t durable_arrivals) {
    const stream::RunIdentity& identity = run.identity();
    const stream::RunStatus status = run.progress().status();
    const Labels labels = {
        {"stream", identity.stream}, {"scenario", identity.scenario}, {"run", std::to_string(identity.id)}};
    if (!identity.compiled) return;  // its failed row in the history says why
    const Scenario& scenario = identity.compiled->scenario;
    add_scenario(families, labels, scenario, status.phase);
    if (status.last_latencies) {
        add_latencies(families, labels, *status.last_latencies, status);
        add_slo_classes(families, labels, *status.last_latencies, scenario);
    }
    if (status.last_window) add_last_window(families, labels, *status.last_window, scenario);
    if (status.last_busy) add_afd(families, labels, *identity.compiled, *status.last_busy);
    if (status.last_residuals) add_residuals(families, labels, *status.last_residuals);
    add_snapshot(families, labels, status.snapshot);
    families.counter("replayd_request_rows_left_out_total",
                     "Requests that ended without a row in SQLite, by the stream's request_rows", labels,
                     static_cast<double>(status.request_rows_left_out));
    const auto caches = [](const PoolSpec& pool) { return pool.kv.prefix_caching; };
    if (std::any_of(scenario.pools.begin(), scenario.pools.end(), caches)) {
        add_prefix_cache(families, labels, status.snapshot);
    }
    families.gauge("replayd_speedup_ratio", "Virtual seconds per wall second over the last 5 s of work", labels,
                   status.speedup);
    families.gauge("replayd_backlog_arrivals", "Durable arrivals that the run has not consumed", labels,
                   static_cast<double>(durable_arrivals - status.consumed_arrivals));
    families.histogram("replayd_ttft_distribution_seconds", "Virtual time to first token of all finished requests",
                       labels, status.requests.ttft);
    families.histogram("replayd_tpot_distribution_seconds", "Virtual time per output token of all finished requests",
                       labels, status.requests.tpot);
}

}  // namespace replayd::metrics
