#pragma once
// The text of `GET /metrics/vllm`: what the runs predict, under vLLM's own names, types and buckets, so that a
// dashboard made for vLLM shows them beside a real server. Names: vllm-project/vllm, vllm/v1/metrics/loggers.py;
// definitions of the intervals: docs/design/metrics.md there. Prometheus' linter refuses the colon in vLLM's names,
// which is why they are not in /metrics.

#include <string>

#include "daemon/stream/stream_registry.hpp"

namespace replayd::metrics {

/// Which runs are shown; an empty name means all.
struct VllmFilter {
    std::string stream;
    std::string scenario;
};

/// Prometheus text format 0.0.4, labels `model_name`, `engine` (the run's id), `stream`, `scenario`. Latencies are
/// virtual seconds. Any thread.
[[nodiscard]] std::string render_vllm(const stream::StreamRegistry& registry, const VllmFilter& filter);

}  // namespace replayd::metrics
