#include "daemon/api/expert_view.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

#include <boost/json/object.hpp>

#include "replay/cost/expert_load.hpp"
#include "replay/cost/moe_operators.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;

/// Tokens of a rank in a step, up to the largest prefill batch in common use.
constexpr std::int64_t k_rows_max = 8192;

/// Load of the ranks over their mean, busiest first, averaged over the layers: which rank is the busiest differs by
/// layer.
std::vector<double> loads_of(const std::vector<cost::LayerShares>& layers) {
    std::vector<double> sum(layers.front().size());
    for (const cost::LayerShares& layer : layers) {
        std::vector<double> loads;
        for (const cost::RankShares& rank : layer) loads.push_back(std::accumulate(rank.begin(), rank.end(), 0.0));
        const double mean = std::accumulate(loads.begin(), loads.end(), 0.0) / static_cast<double>(loads.size());
        std::sort(loads.begin(), loads.end(), std::greater<>());
        for (std::size_t rank = 0; rank < loads.size(); ++rank) sum[rank] += loads[rank] / mean;
    }
    for (double& load : sum) load /= static_cast<double>(layers.size());
    return sum;
}

json::object pool_json(const Scenario& scenario, const PoolSpec& pool) {
    const MoeSpec& moe = *scenario.model.moe;
    const cost::ExpertGroup group = cost::expert_group(pool);
    const cost::ExpertLoad load(moe, pool.moe_routing, group);
    json::array loads;
    for (const double value : loads_of(cost::expert_shares(moe, pool.moe_routing, group))) loads.emplace_back(value);
    json::array rows;
    json::array busiest;
    for (std::int64_t tokens = 1; tokens <= k_rows_max; tokens *= 2) {
        const double mean = static_cast<double>(tokens * group.data * moe.top_k) / static_cast<double>(group.ranks);
        rows.emplace_back(tokens);
        busiest.emplace_back(load.routed_rows(tokens) / mean);
    }
    return {{"pool", pool.name},
            {"experts", moe.experts},
            {"top_k", moe.top_k},
            {"redundant_experts", group.redundant},
            {"ranks", group.ranks},
            {"experts_per_rank", load.local_experts()},
            {"eplb", pool.moe_routing.eplb},
            {"imbalance", load.imbalance()},
            {"rank_loads", std::move(loads)},
            {"tokens_per_rank", std::move(rows)},
            {"busiest_over_mean", std::move(busiest)}};
}

}  // namespace

json::array expert_balance_json(const Scenario& scenario) {
    json::array pools;
    if (!scenario.model.moe) return pools;
    for (const PoolSpec& pool : scenario.pools) {
        if (!pool.afd && pool.parallel.expert > 1) pools.push_back(pool_json(scenario, pool));
    }
    return pools;
}

}  // namespace replayd::api
