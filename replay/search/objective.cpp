#include "replay/search/objective.hpp"

#include <algorithm>
#include <limits>

namespace replayd::search {
namespace {

constexpr double k_infinity = std::numeric_limits<double>::infinity();

double ratio(Duration found, Duration limit) {
    return limit.value == 0 ? 0 : static_cast<double>(found.value) / static_cast<double>(limit.value);
}

double share(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::int64_t gpus_of(const Scenario& scenario) {
    std::int64_t gpus = 0;
    for (const PoolSpec& pool : scenario.pools) gpus += pool.replicas * pool.gpus_per_replica();
    return gpus;
}

double price_of(const Scenario& scenario, const Prices& prices) {
    double price = 0;
    for (const PoolSpec& pool : scenario.pools) {
        const auto known = prices.find(pool.gpu.name);
        const double each = known == prices.end() ? 1 : known->second;
        price += each * static_cast<double>(pool.replicas * pool.gpus_per_replica());
    }
    return price;
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
