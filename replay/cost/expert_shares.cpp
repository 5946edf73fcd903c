#include "replay/cost/expert_shares.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/base/random.hpp"
#include "replay/cost/eplb.hpp"

namespace replayd::cost {
namespace {

/// Numerical accuracy: placements that a layer is averaged over, and halvings of an interval (to the last bit).
constexpr int k_shuffles = 8;
constexpr std::uint64_t k_seed = 20'250'227;
constexpr int k_bisections = 60;

/// Exchanges the first `count` elements among all, at random.
void shuffle(std::vector<double>& values, std::size_t count, Random& random) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t other = i + static_cast<std::size_t>(random.below(values.size() - i));
        std::swap(values[i], values[other]);
    }
}

/// Expert of every slot, rank after rank.
std::vector<std::int64_t> placement(const MoeSpec& moe, const MoeRoutingSpec& routing, const ExpertGroup& group,
                                    const std::vector<double>& plan_load) {
    const std::int64_t physical = moe.experts + group.redundant;
    if (routing.eplb) return eplb_plan(plan_load, {physical, moe.groups, group.nodes, group.ranks});
    std::vector<std::int64_t> slots(static_cast<std::size_t>(physical));
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<std::int64_t>(i) % moe.experts;
    return slots;
}

LayerShares layer_of(const std::vector<double>& chances, const std::vector<std::int64_t>& slots, std::int64_t ranks) {
    std::vector<double> copies(chances.size(), 0);
    for (const std::int64_t expert : slots) ++copies[static_cast<std::size_t>(expert)];
    LayerShares layer(static_cast<std::size_t>(ranks));
    const std::size_t per_rank = slots.size() / layer.size();
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const auto expert = static_cast<std::size_t>(slots[i]);
        layer[i / per_rank].push_back(chances[expert] / copies[expert]);
    }
    return layer;
}

std::vector<LayerShares> zipf_layers(const MoeSpec& moe, const MoeRoutingSpec& routing, const ExpertGroup& group) {
    std::vector<double> weights(static_cast<std::size_t>(moe.experts));
    for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = std::exp(-routing.exponent * std::log(static_cast<double>(i + 1)));
    }
    std::vector<double> chances = inclusion_chances(weights, moe.top_k);
    const auto drifted = static_cast<std::size_t>(std::llround(routing.plan_drift * static_cast<double>(moe.experts)));
    Random random(k_seed);
    std::vector<LayerShares> layers;
    for (int i = 0; i < (group.ranks == 1 ? 1 : k_shuffles); ++i) {
        shuffle(chances, chances.size(), random);
        std::vector<double> now = chances;
        // Any set of experts is as good as the first ones, since their order is random.
        std::vector<double> moved(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(drifted));
        shuffle(moved, moved.size(), random);
        std::copy(moved.begin(), moved.end(), now.begin());
        layers.push_back(layer_of(now, placement(moe, routing, group, chances), group.ranks));
    }
    return layers;
}

std::vector<LayerShares> counted_layers(const MoeSpec& moe, const MoeRoutingSpec& routing, const ExpertGroup& group) {
    const std::vector<ExpertCounts>& plans = routing.plan_counts.empty() ? routing.counts : routing.plan_counts;
    REPLAYD_ASSERT(plans.size() == routing.counts.size());
    std::vector<LayerShares> layers;
    for (std::size_t i = 0; i < plans.size(); ++i) {
        layers.push_back(layer_of(counted_chances(routing.counts[i], moe.top_k),
                                  placement(moe, routing, group, plans[i]), group.ranks));
    }
    return layers;
}

}  // namespace

std::vector<double> inclusion_chances(const std::vector<double>& weights, std::int64_t top_k) {
    const auto positive = std::count_if(weights.begin(), weights.end(), [](double w) { return w > 0; });
    std::vector<double> chances(weights.size());
    if (positive <= top_k) {
        for (std::size_t i = 0; i < weights.size(); ++i) chances[i] = weights[i] > 0 ? 1 : 0;
        return chances;
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    const auto fill = [&](double lambda) {
        double total = 0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
            chances[i] = -std::expm1(-lambda * weights[i] / sum);
            total += chances[i];
        }
        return total;
    };
    double low = 0, high = static_cast<double>(top_k);
    while (fill(high) < static_cast<double>(top_k)) high *= 2;
    for (int i = 0; i < k_bisections; ++i) {
        const double middle = (low + high) / 2;
        (fill(middle) < static_cast<double>(top_k) ? low : high) = middle;
    }
    fill(high);
    return chances;
}

std::vector<double> counted_chances(const std::vector<double>& counts, std::int64_t top_k) {
    std::vector<double> chances(counts.size(), 0);
    std::vector<bool> full(counts.size(), false);
    // Whoever would be above 1 is certain; what is left of top_k goes to the others in proportion.
    for (bool changed = true; changed;) {
        changed = false;
        double left = static_cast<double>(top_k), sum = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (full[i]) left -= 1; else sum += counts[i];
        }
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (full[i]) continue;
            chances[i] = sum > 0 ? left * counts[i] / sum : 0;
            if (chances[i] > 1) {
                chances[i] = 1;
                full[i] = changed = true;
            }
        }
    }
    return chances;
}

std::vector<LayerShares> expert_shares(const MoeSpec& moe, const MoeRoutingSpec& routing, const ExpertGroup& group) {
    REPLAYD_ASSERT((moe.experts + group.redundant) % group.ranks == 0);
    switch (routing.law) {
        case RoutingLaw::zipf: return zipf_layers(moe, routing, group);
        case RoutingLaw::histogram: return counted_layers(moe, routing, group);
        case RoutingLaw::uniform: break;
    }
    const auto experts = static_cast<std::size_t>(moe.experts);
    const std::vector<double> chances(experts, static_cast<double>(moe.top_k) / static_cast<double>(moe.experts));
    return {layer_of(chances, placement(moe, routing, group, chances), group.ranks)};
}

}  // namespace replayd::cost
