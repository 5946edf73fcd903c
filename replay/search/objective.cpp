#include "replay/search/objective.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace replayd::search {
namespace {

constexpr double k_percentile = 0.99;
constexpr double k_infinity = std::numeric_limits<double>::infinity();

double ratio(Duration found, Duration limit) {
    return limit.value == 0 ? 0 : static_cast<double>(found.value) / static_cast<double>(limit.value);
}

double share(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

template <class ReplicasOf>
double price_of(const Scenario& scenario, const Prices& prices, const ReplicasOf& replicas_of) {
    double price = 0;
    for (const PoolSpec& pool : scenario.pools) {
        const auto known = prices.find(pool.gpu.name);
        const double each = known == prices.end() ? 1 : known->second;
        price += each * static_cast<double>(replicas_of(pool) * pool.gpus_per_replica());
    }
    return price;
}

/// How many of `count` values may lie above a limit that their 99th percentile holds: the rank of that percentile is
/// Histogram::quantile's.
std::int64_t above_p99(std::int64_t count) {
    return count - static_cast<std::int64_t>(std::ceil(k_percentile * static_cast<double>(count)));
}

}  // namespace

MissCounter::MissCounter(const Objective& objective, std::int64_t requests, std::int64_t with_tpot)
    : ttft_{objective.ttft_p99, above_p99(requests)},
      tpot_{objective.tpot_p99, above_p99(with_tpot)},
      e2e_{objective.e2e_p99, above_p99(requests)} {
    // The largest number of misses that excess() does not hold against the attainment.
    spare_within_ = static_cast<std::int64_t>(std::floor((1 - objective.attainment) * static_cast<double>(requests)));
    while (spare_within_ < requests && share(requests - spare_within_ - 1, requests) >= objective.attainment) {
        ++spare_within_;
    }
}

void MissCounter::count(const RequestRecord& record, bool within_slo) {
    if (record.outcome == Outcome::rejected) {
        lost_ = true;
        return;
    }
    spend(ttft_, record.ttft());
    spend(e2e_, record.e2e());
    if (const auto tpot = record.tpot()) spend(tpot_, *tpot);
    if (!within_slo && --spare_within_ < 0) lost_ = true;
}

void MissCounter::spend(Limit& limit, Duration found) {
    if (limit.most.value > 0 && found > limit.most && --limit.spare < 0) lost_ = true;
}

void describe(const Scenario& scenario, const Prices& prices, Measured& out) {
    out.gpus = gpus_of(scenario);
    out.price_per_hour = price_of(scenario, prices);
    for (const PoolSpec& pool : scenario.pools) {
        if (pool.role == PoolRole::mixed) continue;
        (pool.role == PoolRole::prefill ? out.prefill_replicas : out.decode_replicas) += pool.replicas;
        (pool.role == PoolRole::prefill ? out.prefill_gpus : out.decode_gpus) +=
            pool.replicas * pool.gpus_per_replica();
    }
}

std::int64_t gpus_of(const Scenario& scenario) {
    std::int64_t gpus = 0;
    for (const PoolSpec& pool : scenario.pools) gpus += pool.replicas * pool.gpus_per_replica();
    return gpus;
}

double price_of(const Scenario& scenario, const Prices& prices) {
    return price_of(scenario, prices, [](const PoolSpec& pool) { return pool.replicas; });
}

double least_price_of(const Scenario& scenario, const Prices& prices) {
    return price_of(scenario, prices,
                    [](const PoolSpec& pool) { return pool.autoscale ? pool.autoscale->replicas_min : pool.replicas; });
}

bool scales(const Scenario& scenario) {
    return std::any_of(scenario.pools.begin(), scenario.pools.end(),
                       [](const PoolSpec& pool) { return pool.autoscale.has_value(); });
}

double excess(const Measured& measured, const Objective& objective) {
    if (!measured.possible) return k_infinity;
    double worst = std::max({ratio(measured.ttft_p99, objective.ttft_p99), ratio(measured.tpot_p99, objective.tpot_p99),
                             ratio(measured.e2e_p99, objective.e2e_p99)});
    if (measured.rejected > 0) worst = std::max(worst, 1 + share(measured.rejected, measured.requests));
    const double attained = share(measured.within_slo, measured.finished);
    if (attained < objective.attainment) worst = std::max(worst, 1 + objective.attainment - attained);
    return worst;
}

double price_per_million_tokens(const Measured& measured) {
    if (measured.output_tokens.value == 0) return k_infinity;
    const double hours = to_seconds(measured.span) / 3600;
    return measured.price_per_hour * hours * 1e6 / static_cast<double>(measured.output_tokens.value);
}

double goodput(const Measured& measured) {
    const double seconds = to_seconds(measured.span);
    return seconds > 0 ? static_cast<double>(measured.within_slo) / seconds : 0;
}

}  // namespace replayd::search
