#include "replay/cost/expert_load.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "replay/base/assert.hpp"
#include "replay/cost/expected_load.hpp"

namespace replayd::cost {
namespace {

/// Experts whose shares differ by less are taken together: numerical accuracy.
constexpr double k_same_share = 0.95;

struct ShareClass {
    double share = 0;
    double experts = 0;
};

std::vector<ShareClass> share_classes(RankShares shares) {
    std::sort(shares.begin(), shares.end(), [](double a, double b) { return a > b; });
    std::vector<ShareClass> classes;
    double first = 0;
    for (const double share : shares) {
        if (classes.empty() || share < k_same_share * first) {
            classes.push_back({share, 1});
            first = share;
            continue;
        }
        ShareClass& last = classes.back();
        last.share = (last.share * last.experts + share) / (last.experts + 1);
        ++last.experts;
    }
    return classes;
}

double sum(const RankShares& shares) {
    double total = 0;
    for (const double share : shares) total += share;
    return total;
}

/// Rows of a rank per token. A token's choices exclude one another, hence the factor.
RankClass rank_class(const RankShares& shares, double top_k) {
    RankClass result;
    for (const double share : shares) {
        result.mean += share;
        result.variance += share * (1 - share);
    }
    result.variance *= std::max(0.0, 1 - result.mean / top_k);
    return result;
}

/// C(n − drawn_from, k) / C(n, k): chance that none of k of n experts is among `own`.
double missed(double n, double own, std::int64_t k) {
    double chance = 1;
    for (std::int64_t i = 0; i < k; ++i) {
        const double drawn = static_cast<double>(i);
        chance *= std::max(0.0, n - own - drawn) / (n - drawn);
    }
    return chance;
}

/// Ways to choose k of n; 0 where k > n.
double choose(std::int64_t n, std::int64_t k) {
    if (k > n) return 0;
    double ways = 1;
    for (std::int64_t i = 0; i < k; ++i) ways *= static_cast<double>(n - i) / static_cast<double>(i + 1);
    return ways;
}

MoeSpec plain(std::int64_t top_k, std::int64_t experts) {
    MoeSpec moe;
    moe.experts = experts;
    moe.top_k = top_k;
    return moe;
}

ExpertGroup spread(std::int64_t data, std::int64_t ranks) {
    ExpertGroup group;
    group.data = data;
    group.ranks = ranks;
    return group;
}

}  // namespace

ExpertLoad::ExpertLoad(std::int64_t data, std::int64_t top_k, std::int64_t experts, std::int64_t ranks)
    : ExpertLoad(plain(top_k, experts), {}, spread(data, ranks)) {}

ExpertLoad::ExpertLoad(const MoeSpec& moe, const MoeRoutingSpec& routing, const ExpertGroup& group)
    : moe_(moe), local_experts_((moe.experts + group.redundant) / group.ranks) {
    REPLAYD_ASSERT(group.data >= 1 && moe.top_k >= 1 && moe.top_k <= moe.experts && group.ranks >= 1);
    const std::vector<LayerShares> layers = expert_shares(moe, routing, group);
    const double weight = 1 / static_cast<double>(layers.size());
    const double mean = static_cast<double>(moe.top_k) / static_cast<double>(group.ranks);
    auto tables = std::make_shared<Tables>();
    imbalance_ = 0;
    for (const LayerShares& layer : layers) {
        double most = mean;
        for (const RankShares& rank : layer) most = std::max(most, sum(rank));
        imbalance_ += weight * most / mean;
        add_layer(layer, moe, group, weight, *tables);
    }
    const auto rise = [](Samples& samples) {
        for (std::size_t i = 1; i < samples.size(); ++i) samples[i] = std::max(samples[i], samples[i - 1]);
    };
    rise(tables->routed);
    rise(tables->active);
    rise(tables->received);
    for (Samples& samples : tables->padded) rise(samples);
    tables_ = std::move(tables);
}

void ExpertLoad::add_layer(const LayerShares& layer, const MoeSpec& moe, const ExpertGroup& group, double weight,
                           Tables& out) {
    const double top_k = static_cast<double>(moe.top_k);
    std::vector<RankClass> ranks;
    for (const RankShares& rank : layer) ranks.push_back(rank_class(rank, top_k));
    const auto busiest = static_cast<std::size_t>(
        std::max_element(ranks.begin(), ranks.end(), [](const auto& a, const auto& b) { return a.mean < b.mean; }) -
        ranks.begin());
    const double busiest_mean = ranks[busiest].mean;
    const std::vector<ShareClass> experts = share_classes(layer[busiest]);
    const double rows_max = std::min(top_k, static_cast<double>(layer[busiest].size()));
    const std::vector<RankClass> classes = rank_classes(std::move(ranks));
    double none = 1;  // chance that a token has no expert there
    for (const ShareClass& each : experts) none *= std::pow(1 - each.share, each.experts);
    for (std::size_t point = 1; point < k_curve_points; ++point) {
        const double tokens = curve_argument(point) * static_cast<double>(group.data);
        // Ranks are not quite independent: whatever happens, one of them gets the mean, rounded up.
        const double least = std::ceil(tokens * top_k / static_cast<double>(group.ranks));
        const double routed =
            layer.size() == 1 ? tokens * top_k : std::max(least, expected_largest(classes, tokens, rows_max));
        // So many tokens would bring the rank what it gets as the unluckiest one.
        const double as_if = layer.size() == 1 ? tokens : std::max(tokens, routed / busiest_mean);
        out.routed[point] += weight * routed;
        out.received[point] += weight * std::min({tokens, routed, layer.size() == 1 ? tokens : as_if * (1 - none)});
        for (const ShareClass& each : experts) {
            const double touched = each.share < 1 ? -std::expm1(as_if * std::log1p(-each.share)) : 1;
            out.active[point] += weight * each.experts * touched;
            for (std::size_t block = 0; block < k_row_blocks.size(); ++block) {
                out.padded[block][point] +=
                    weight * each.experts *
                    expected_padded(as_if, each.share, static_cast<double>(k_row_blocks[block]));
            }
        }
    }
}

double ExpertLoad::at(const Samples& samples, std::int64_t rows) {
    const CurvePlace place = curve_place(rows);
    const double before = samples[place.point];
    if (place.into == 0) return before;
    return before +
           (samples[place.point + 1] - before) * std::ldexp(static_cast<double>(place.into), -place.width_bits);
}

double ExpertLoad::routed_rows(std::int64_t rows) const { return at(tables_->routed, rows); }
double ExpertLoad::active_experts(std::int64_t rows) const { return at(tables_->active, rows); }
double ExpertLoad::received_tokens(std::int64_t rows) const { return at(tables_->received, rows); }

double ExpertLoad::padded_rows(std::int64_t rows, std::int64_t block) const {
    for (std::size_t i = 0; i < k_row_blocks.size(); ++i) {
        if (k_row_blocks[i] == block) return at(tables_->padded[i], rows);
    }
    REPLAYD_ASSERT(false);
    return 0;
}

ExpertSpread ExpertLoad::spread_over_experts(std::int64_t rows) const {
    ExpertSpread spread;
    spread.rows = routed_rows(rows);
    spread.active = std::min(active_experts(rows), std::max(1.0, spread.rows));
    for (std::size_t i = 0; i < k_row_blocks.size(); ++i) spread.padded[i] = at(tables_->padded[i], rows);
    return spread;
}

double ExpertLoad::distinct_groups(std::int64_t groups) const {
    const double experts = static_cast<double>(moe_.experts);
    const double own = experts / static_cast<double>(groups);
    const double group_size = experts / static_cast<double>(moe_.groups);
    const double eligible = group_size * static_cast<double>(moe_.groups_per_token);
    if (own <= group_size) {
        const double chosen = static_cast<double>(moe_.groups_per_token) / static_cast<double>(moe_.groups);
        return static_cast<double>(groups) * chosen * (1 - missed(eligible, own, moe_.top_k));
    }
    // `inside` whole groups lie on each of them; how many of those a token may choose is hypergeometric.
    const auto inside = static_cast<std::int64_t>(std::llround(own / group_size));
    const double all = choose(moe_.groups, moe_.groups_per_token);
    double hit = 0;
    for (std::int64_t j = 0; j <= std::min(inside, moe_.groups_per_token); ++j) {
        const double chance = choose(inside, j) * choose(moe_.groups - inside, moe_.groups_per_token - j) / all;
        hit += chance * (1 - missed(eligible, group_size * static_cast<double>(j), moe_.top_k));
    }
    return static_cast<double>(groups) * hit;
}

}  // namespace replayd::cost
