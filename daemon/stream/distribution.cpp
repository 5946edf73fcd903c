#include "daemon/stream/distribution.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "replay/catalog/scenario.hpp"

namespace replayd::stream {
namespace {

constexpr std::array<double, 22> k_ttft_s = {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75,
                                             1,     2.5,   5,    7.5,  10,   20,   40,   80,  160,  640, 2560};
constexpr std::array<double, 19> k_gap_s = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                                            0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80};
constexpr std::array<double, 21> k_request_s = {0.3, 0.5, 0.8, 1,  1.5, 2,   2.5, 5,   10,  15,  20,
                                                30,  40,  50,  60, 120, 240, 480, 960, 1920, 7680};
constexpr std::int64_t k_context_tokens = 131'072;

/// `edges` and the objective, if there is one.
std::vector<double> with_objective(std::span<const double> edges, Duration objective) {
    std::vector<double> out(edges.begin(), edges.end());
    const double seconds = to_seconds(objective);
    const auto at = std::lower_bound(out.begin(), out.end(), seconds);
    if (objective.value > 0 && (at == out.end() || *at != seconds)) out.insert(at, seconds);
    return out;
}

std::vector<double> request_edges() { return {k_request_s.begin(), k_request_s.end()}; }

/// 1, 2, 5, 10, 20, 50, … up to `tokens`.
std::vector<double> token_edges(std::int64_t tokens) {
    std::vector<double> out;
    for (std::int64_t power = 1; power <= tokens; power *= 10) {
        for (const std::int64_t step : {1, 2, 5}) {
            if (step * power <= tokens) out.push_back(static_cast<double>(step * power));
        }
    }
    return out;
}

std::int64_t context_of(const Scenario* scenario) {
    std::int64_t tokens = 0;
    if (scenario == nullptr) return k_context_tokens;
    for (const PoolSpec& pool : scenario->pools) tokens = std::max(tokens, pool.max_context.value);
    return tokens;
}

}  // namespace

Distribution::Distribution(std::vector<double> upper_edges)
    : edges(std::move(upper_edges)), counts(edges.size() + 1) {}

void Distribution::observe(double value, std::int64_t times) {
    // Counting all of some 20 edges takes less time than a search, whose every turn is a guess.
    std::size_t below = 0;
    for (const double edge : edges) below += edge < value ? 1 : 0;
    counts[below] += times;
    sum += value * static_cast<double>(times);
}

RequestDistributions::RequestDistributions(const Scenario* scenario)
    : ttft(with_objective(k_ttft_s, scenario == nullptr ? Duration(0) : scenario->slo.ttft)),
      tpot(with_objective(k_gap_s, scenario == nullptr ? Duration(0) : scenario->slo.tpot)),
      inter_token(tpot.edges),
      e2e(request_edges()),
      queue(request_edges()),
      prefill(request_edges()),
      decode(request_edges()),
      inference(request_edges()),
      prompt_tokens(token_edges(context_of(scenario))),
      output_tokens(prompt_tokens.edges) {}

void RequestDistributions::observe(const RequestRecord& record) {
    if (record.outcome != Outcome::finished) return;
    ttft.observe(to_seconds(record.ttft()));
    if (const auto gap = record.tpot()) {
        tpot.observe(to_seconds(*gap));
        inter_token.observe(to_seconds(*gap), record.output.value - 1);
    }
    e2e.observe(to_seconds(record.e2e()));
    queue.observe(to_seconds(record.queue()));
    prefill.observe(to_seconds(record.first_token - record.scheduled));
    decode.observe(to_seconds(record.finished - record.first_token));
    inference.observe(to_seconds(record.finished - record.scheduled));
    prompt_tokens.observe(static_cast<double>(record.prompt.value));
    output_tokens.observe(static_cast<double>(record.output.value));
}

}  // namespace replayd::stream
