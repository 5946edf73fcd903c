#pragma once
// Fixed-bucket distributions of finished requests, as Prometheus histograms want them. Bucket edges are vLLM's
// (vllm-project/vllm, vllm/v1/metrics/loggers.py), so that its dashboards read ours; a scenario's objectives are edges
// too, since an objective between two edges cannot be read from a histogram.

#include <cstdint>
#include <vector>

#include "replay/sim/records.hpp"

namespace replayd {
struct Scenario;
}

namespace replayd::stream {

/// Counts of observations up to each edge (and beyond the last), with their sum.
struct Distribution {
    explicit Distribution(std::vector<double> edges);
    void observe(double value, std::int64_t times = 1);

    std::vector<double> edges;         ///< upper, inclusive, rising
    std::vector<std::int64_t> counts;  ///< one more than edges
    double sum = 0;
};

/// What vLLM observes of each finished request, in virtual seconds and in tokens.
struct RequestDistributions {
    /// Edges for the objectives and the context of `scenario`; null: those of vLLM for 128 Ki tokens.
    explicit RequestDistributions(const Scenario* scenario);
    /// Rejected requests are left out.
    void observe(const RequestRecord& record);

    Distribution ttft;
    Distribution tpot;         ///< mean gap of a request
    Distribution inter_token;  ///< every gap; those of one request count as equal
    Distribution e2e;
    Distribution queue;      ///< arrival until first scheduled
    Distribution prefill;    ///< first scheduled until first token
    Distribution decode;     ///< first until last token
    Distribution inference;  ///< first scheduled until last token
    Distribution prompt_tokens;
    Distribution output_tokens;
};

}  // namespace replayd::stream
