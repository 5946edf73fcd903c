#pragma once
// How routed tokens fall on experts and ranks, in expectation: what the slowest rank of an expert group gets.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "replay/cost/expert_shares.hpp"
#include "replay/cost/laws/expert_spread.hpp"
#include "replay/cost/row_curve.hpp"

namespace replayd::cost {

/// Blocks of rows that grouped GEMM kernels fill: Triton's 16 and 64, DeepGEMM's 64 (masked only) and 128.
inline constexpr std::array<std::int64_t, 3> k_row_blocks = {16, 64, 128};
static_assert(std::equal(k_row_blocks.begin(), k_row_blocks.end(), k_expert_blocks.begin(), k_expert_blocks.end()));

/// Load of the slowest expert-parallel rank in one MoE layer. Every scheduler rank of the replica is taken
/// to carry the same number of tokens, so the group holds rows × data of them. Ranks that get nothing take part in the
/// exchange only and are never the slowest. Copies share their tables; any thread.
///
/// All answers are non-decreasing in `rows`, sampled where RowCurve is and straight in between.
class ExpertLoad {
public:
    /// Uniform routing: `data` ranks with the same rows, `top_k` of `experts` per token, spread over `ranks` (a divisor
    /// of `experts`). All ≥ 1, top_k ≤ experts.
    ExpertLoad(std::int64_t data, std::int64_t top_k, std::int64_t experts, std::int64_t ranks);
    /// Any routing law and placement: each answer is the mean over the layers of expert_shares().
    ExpertLoad(const MoeSpec& moe, const MoeRoutingSpec& routing, const ExpertGroup& group);

    /// Expected rows of the rank that gets the most (expected_largest; ranks are taken to be independent). Within a
    /// tenth of simulated routing. One rank: rows × data × top_k exactly.
    [[nodiscard]] double routed_rows(std::int64_t rows) const;

    /// Expected experts of that rank that see at least one token.
    [[nodiscard]] double active_experts(std::int64_t rows) const;

    /// Expected tokens of that rank with at least one expert on it.
    [[nodiscard]] double received_tokens(std::int64_t rows) const;

    /// Expected rows of that rank with those of each expert rounded up to `block`, one of k_row_blocks.
    [[nodiscard]] double padded_rows(std::int64_t rows, std::int64_t block) const;

    /// That rank's rows, active experts and rows in whole blocks as the laws of expert layers take them. The rows of
    /// its busiest expert are 0: no physical form asks for them.
    [[nodiscard]] ExpertSpread spread_over_experts(std::int64_t rows) const;

    /// Mean load of the busiest rank over that of all ranks: what the law and the placement do, without chance. ≥ 1.
    [[nodiscard]] double imbalance() const { return imbalance_; }

    /// Experts on one rank, copies included.
    [[nodiscard]] std::int64_t local_experts() const { return local_experts_; }

    /// Expected number of distinct ranks (or nodes) out of `groups` that a token's experts lie on, for uniform routing:
    /// groups × (1 − C(E − E/groups, k) / C(E, k)); where the router limits a token to some groups of experts, over the
    /// ways to choose those.
    [[nodiscard]] double distinct_groups(std::int64_t groups) const;

private:
    using Samples = std::array<double, k_curve_points>;
    struct Tables {
        Samples routed{};
        Samples active{};
        Samples received{};
        std::array<Samples, k_row_blocks.size()> padded{};
    };
    static void add_layer(const LayerShares& layer, const MoeSpec& moe, const ExpertGroup& group, double weight,
                          Tables& out);
    [[nodiscard]] static double at(const Samples& samples, std::int64_t rows);

    MoeSpec moe_;
    std::int64_t local_experts_ = 1;
    double imbalance_ = 1;
    std::shared_ptr<const Tables> tables_;
};

}  // namespace replayd::cost
