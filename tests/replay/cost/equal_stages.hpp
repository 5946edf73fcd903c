#pragma once
// The stage recurrence of attention/FFN disaggregation in closed form, where every stage has the same times: an oracle
// that shares no code with Pipeline.

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>

#include "replay/base/units.hpp"

namespace replayd::afd {

/// Time of `layers` ≥ 1 layers: each takes max(stages × longest, sum) but the first, and the last stage ends
/// (stages − 1) × longest after the first. Exact.
inline Duration equal_stages(std::span<const Duration> chain, std::int64_t stages, std::int64_t layers) {
    const Duration sum = std::accumulate(chain.begin(), chain.end(), Duration(0));
    const Duration longest = *std::max_element(chain.begin(), chain.end());
    return std::max(longest * stages, sum) * (layers - 1) + sum + longest * (stages - 1);
}

}  // namespace replayd::afd
