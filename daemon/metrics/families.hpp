#pragma once
// Metric families of prometheus-cpp, built sample by sample. For the .cpp files of this folder.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "daemon/stream/run_worker.hpp"

namespace replayd::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Families in the order of their first sample.
class Families {
public:
    void gauge(const std::string& name, const std::string& help, const Labels& labels, double value);
    void counter(const std::string& name, const std::string& help, const Labels& labels, double value);
    /// Quantiles 0.5, 0.9 and 0.99 of a recent window, count and sum of everything so far; nanoseconds become seconds.
    void summary(const std::string& name, const std::string& help, const Labels& labels, const Histogram& window,
                 const Histogram& total);
    void histogram(const std::string& name, const std::string& help, const Labels& labels,
                   const stream::Distribution& distribution);

    [[nodiscard]] std::string text() const;

private:
    prometheus::ClientMetric& sample(const std::string& name, const std::string& help, prometheus::MetricType type,
                                     const Labels& labels);

    std::vector<prometheus::MetricFamily> families_;
};

/// Adds what the prefix caches of a run did, per tier.
void add_prefix_cache(Families& families, const Labels& labels, const RunSnapshot& now);

/// Adds the series of one run of a stream with `durable_arrivals`.
void add_run(Families& families, const stream::RunWorker& run, std::int64_t durable_arrivals);

}  // namespace replayd::metrics
