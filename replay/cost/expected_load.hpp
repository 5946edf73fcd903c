#pragma once
// Expectations of a MoE layer: rows of the busiest of many ranks, rows of an expert rounded up to whole blocks.

#include <cstdint>
#include <vector>

namespace replayd::cost {

/// Ranks whose loads follow one law: each of a step's tokens brings a rank `mean` rows, with variance `variance`.
struct RankClass {
    double mean = 0;
    double variance = 0;
    double ranks = 1;
};

/// At most a dozen classes of ranks with nearly equal means (3 %), busiest first; what is beyond them is averaged.
[[nodiscard]] std::vector<RankClass> rank_classes(std::vector<RankClass> ranks);

/// Expected largest load of independent ranks after `tokens` tokens, each of which brings a rank `rows_max` rows at
/// most. Up to some 50 rows: Σ (1 − Π F), F binomial; beyond: the same with normal F, integrated.
[[nodiscard]] double expected_largest(const std::vector<RankClass>& classes, double tokens, double rows_max);

/// Expected rows of an expert after its rows are rounded up to blocks of `block`; each of `tokens` tokens chooses it
/// with chance `share`.
[[nodiscard]] double expected_padded(double tokens, double share, double block);

}  // namespace replayd::cost
