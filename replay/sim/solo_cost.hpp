#pragma once
// What a request's tokens would cost if it had the replica for itself: the yardstick that splits a step into
// the request's own compute and interference by the batch.

#include <cstdint>
#include <memory>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/cost/cost_model.hpp"

namespace replayd {

/// Work of one prompt chunk of `tokens` after `computed` tokens.
[[nodiscard]] StepShape chunk_shape(std::int64_t computed, std::int64_t tokens, bool samples);

class SoloCost {
public:
    explicit SoloCost(std::shared_ptr<const CostModel> cost);

    /// A step with this shape, through all stages.
    [[nodiscard]] Duration step(const StepShape& shape) const;

    /// `steps` decode steps of one sequence alone, the first with `computed` tokens in its cache. O(1) after
    /// the first use of a context length (sums are kept).
    [[nodiscard]] Duration decode(std::int64_t computed, std::int64_t steps);

private:
    std::shared_ptr<const CostModel> cost_;
    mutable std::vector<Duration> stages_;
    std::vector<std::int64_t> sums_;  ///< sums_[c]: steps with 1 to c context tokens
};

}  // namespace replayd
