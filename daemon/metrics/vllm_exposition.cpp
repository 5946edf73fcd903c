#include "daemon/metrics/vllm_exposition.hpp"

#include "daemon/metrics/exposition.hpp"
#include "daemon/metrics/families.hpp"
#include "daemon/stream/clock.hpp"

namespace replayd::metrics {
namespace {

void add_state(Families& families, const Labels& labels, const RunSnapshot& now) {
    families.gauge("vllm:num_requests_running", "Number of requests in model execution batches.", labels,
                   static_cast<double>(now.running));
    families.gauge("vllm:num_requests_waiting", "Number of requests waiting to be processed, or for their KV cache.",
                   labels, static_cast<double>(now.waiting + now.transferring));
    const double total = static_cast<double>(now.kv_blocks_total);
    families.gauge("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", labels,
                   total > 0 ? static_cast<double>(now.kv_blocks_used) / total : 0);
}

void add_counters(Families& families, const Labels& labels, const RunSnapshot& now) {
    const auto counter = [&](const char* name, const char* help, std::int64_t value) {
        families.counter(name, help, labels, static_cast<double>(value));
    };
    counter("vllm:prompt_tokens_total", "Number of prefill tokens processed.", now.prompt_tokens.value);
    counter("vllm:generation_tokens_total", "Number of generation tokens processed.", now.output_tokens.value);
    counter("vllm:num_preemptions_total", "Cumulative number of preemptions.", now.preemptions);
    counter("vllm:prefix_cache_queries_total", "Prefix cache queries, in number of queried tokens.",
            now.cache.queried_tokens);
    counter("vllm:prefix_cache_hits_total", "Prefix cache hits, in number of cached tokens.", now.cache.hit_tokens);
    // A replay makes as many tokens as the trace says; what can never be served is an error.
    const auto ended = [&](const char* reason, std::int64_t value) {
        Labels with_reason = labels;
        with_reason.emplace_back("finished_reason", reason);
        families.counter("vllm:request_success_total", "Count of processed requests, by how they ended.", with_reason,
                         static_cast<double>(value));
    };
    ended("length", now.finished);
    ended("error", now.rejected);
}

void add_histograms(Families& families, const Labels& labels, const stream::RequestDistributions& requests) {
    const auto add = [&](const char* name, const char* help, const stream::Distribution& distribution) {
        families.histogram(name, help, labels, distribution);
    };
    add("vllm:time_to_first_token_seconds", "Time to first token in virtual seconds.", requests.ttft);
    add("vllm:inter_token_latency_seconds", "Gaps between output tokens; those of one request count as equal.",
        requests.inter_token);
    add("vllm:request_time_per_output_token_seconds", "Mean gap between the output tokens of a request.",
        requests.tpot);
    add("vllm:e2e_request_latency_seconds", "End-to-end latency in virtual seconds.", requests.e2e);
    add("vllm:request_queue_time_seconds", "Time until the first step that worked on the request.", requests.queue);
    add("vllm:request_prefill_time_seconds", "From that step's start to the first token.", requests.prefill);
    add("vllm:request_decode_time_seconds", "From the first to the last token.", requests.decode);
    add("vllm:request_inference_time_seconds", "From the first step's start to the last token.", requests.inference);
    add("vllm:request_prompt_tokens", "Prompt tokens of finished requests.", requests.prompt_tokens);
    add("vllm:request_generation_tokens", "Output tokens of finished requests.", requests.output_tokens);
    add("vllm:request_max_num_generation_tokens", "The longest output of a request's sequences: its only one.",
        requests.output_tokens);
}

void add_vllm_run(Families& families, const stream::RunWorker& run) {
    const stream::RunIdentity& identity = run.identity();
    if (!identity.compiled) return;  // its failed row in the history says why
    const Labels labels = {{"model_name", identity.compiled->scenario.model.name},
                           {"engine", std::to_string(identity.id)},
                           {"stream", identity.stream},
                           {"scenario", identity.scenario}};
    const stream::RunStatus status = run.progress().status();
    add_state(families, labels, status.snapshot);
    add_counters(families, labels, status.snapshot);
    add_histograms(families, labels, status.requests);
}

}  // namespace

std::string render_vllm(const stream::StreamRegistry& registry, const VllmFilter& filter) {
    std::vector<std::shared_ptr<stream::RunWorker>> runs;
    for (const auto& stream : registry.all()) {
        if (!filter.stream.empty() && stream->name() != filter.stream) continue;
        for (const auto& run : stream->runs()) {
            if (filter.scenario.empty() || run->identity().scenario == filter.scenario) runs.push_back(run);
        }
    }
    Families families;
    for (const auto& run : exposed_runs(std::move(runs), stream::wall_ms())) add_vllm_run(families, *run);
    return families.text();
}

}  // namespace replayd::metrics
