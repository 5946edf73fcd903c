#include "replay/cost/eplb.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "replay/base/assert.hpp"

namespace replayd::cost {
namespace {

using Ids = std::vector<std::size_t>;

/// Indices of `weight`, heaviest first; among equals the first.
Ids heaviest_first(const std::vector<double>& weight) {
    Ids order(weight.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return weight[a] > weight[b]; });
    return order;
}

/// Items of each of `packs` packs, equally many in each, in the order in which they were put there.
std::vector<Ids> packed(const std::vector<double>& weight, std::size_t packs) {
    const std::size_t per_pack = weight.size() / packs;
    std::vector<Ids> result(packs);
    if (per_pack == 1) {
        for (std::size_t i = 0; i < packs; ++i) result[i] = {i};
        return result;
    }
    std::vector<double> filled(packs, 0);
    for (const std::size_t item : heaviest_first(weight)) {
        std::size_t lightest = packs;
        for (std::size_t pack = 0; pack < packs; ++pack) {
            if (result[pack].size() == per_pack) continue;
            if (lightest == packs || filled[pack] < filled[lightest]) lightest = pack;
        }
        result[lightest].push_back(item);
        filled[lightest] += weight[item];
    }
    return result;
}

/// The expert of each of `slots` copies: one each, then further ones of whichever has the most load per copy.
Ids replicated(const std::vector<double>& load, std::size_t slots, std::vector<double>& copies) {
    Ids expert(load.size());
    std::iota(expert.begin(), expert.end(), std::size_t{0});
    copies.assign(load.size(), 1);
    while (expert.size() < slots) {
        std::size_t busiest = 0;
        for (std::size_t e = 1; e < load.size(); ++e) {
            if (load[e] / copies[e] > load[busiest] / copies[busiest]) busiest = e;
        }
        expert.push_back(busiest);
        ++copies[busiest];
    }
    return expert;
}

}  // namespace

std::vector<std::int64_t> eplb_plan(std::span<const double> load, const EplbShape& shape) {
    const auto gpus = static_cast<std::size_t>(shape.gpus);
    const auto slots = static_cast<std::size_t>(shape.physical);
    const bool hierarchical = shape.groups % shape.nodes == 0;
    const auto groups = static_cast<std::size_t>(hierarchical ? shape.groups : 1);
    const auto nodes = static_cast<std::size_t>(hierarchical ? shape.nodes : 1);
    REPLAYD_ASSERT(slots % gpus == 0 && gpus % nodes == 0 && load.size() % groups == 0 && slots >= load.size());
    const std::size_t group_experts = load.size() / groups;
    std::vector<double> group_load(groups, 0);
    for (std::size_t e = 0; e < load.size(); ++e) group_load[e / group_experts] += load[e];

    std::vector<std::int64_t> plan;
    for (const Ids& node_groups : packed(group_load, nodes)) {
        std::vector<double> node_load;
        Ids node_experts;
        for (const std::size_t group : node_groups) {
            for (std::size_t i = 0; i < group_experts; ++i) {
                node_experts.push_back(group * group_experts + i);
                node_load.push_back(load[node_experts.back()]);
            }
        }
        std::vector<double> copies;
        const Ids copied = replicated(node_load, slots / nodes, copies);
        std::vector<double> copy_load;
        for (const std::size_t e : copied) copy_load.push_back(node_load[e] / copies[e]);
        for (const Ids& gpu : packed(copy_load, gpus / nodes)) {
            for (const std::size_t copy : gpu) plan.push_back(static_cast<std::int64_t>(node_experts[copied[copy]]));
        }
    }
    return plan;
}

}  // namespace replayd::cost
