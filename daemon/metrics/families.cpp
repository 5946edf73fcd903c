#include "daemon/metrics/families.hpp"

#include <algorithm>
#include <sstream>

#include <prometheus/text_serializer.h>

namespace replayd::metrics {

prometheus::ClientMetric& Families::sample(const std::string& name, const std::string& help,
                                           prometheus::MetricType type, const Labels& labels) {
    auto family = std::find_if(families_.begin(), families_.end(), [&name](const auto& f) { return f.name == name; });
    if (family == families_.end()) {
        family = families_.insert(families_.end(), prometheus::MetricFamily{name, help, type, {}});
    }
    prometheus::ClientMetric& metric = family->metric.emplace_back();
    for (const auto& [label, value] : labels) metric.label.push_back({label, value});
    return metric;
}

void Families::gauge(const std::string& name, const std::string& help, const Labels& labels, double value) {
    sample(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

void Families::counter(const std::string& name, const std::string& help, const Labels& labels, double value) {
    sample(name, help, prometheus::MetricType::Counter, labels).counter.value = value;
}

void Families::summary(const std::string& name, const std::string& help, const Labels& labels, const Histogram& window,
                       const Histogram& total) {
    auto& summary = sample(name, help, prometheus::MetricType::Summary, labels).summary;
    for (const double q : {0.5, 0.9, 0.99}) {
        summary.quantile.push_back({q, static_cast<double>(window.quantile(q)) * 1e-9});
    }
    summary.sample_count = static_cast<std::uint64_t>(total.count());
    summary.sample_sum = static_cast<double>(total.sum()) * 1e-9;
}

void Families::histogram(const std::string& name, const std::string& help, const Labels& labels,
                         const stream::Distribution& distribution) {
    auto& histogram = sample(name, help, prometheus::MetricType::Histogram, labels).histogram;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < distribution.edges.size(); ++i) {
        cumulative += static_cast<std::uint64_t>(distribution.counts[i]);
        histogram.bucket.push_back({cumulative, distribution.edges[i]});
    }
    histogram.sample_count = cumulative + static_cast<std::uint64_t>(distribution.counts.back());
    histogram.sample_sum = distribution.sum;
}

std::string Families::text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
}

}  // namespace replayd::metrics
