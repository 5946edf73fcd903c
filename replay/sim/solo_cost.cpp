#include "replay/sim/solo_cost.hpp"

namespace replayd {

StepShape chunk_shape(std::int64_t computed, std::int64_t tokens, bool samples) {
    StepShape shape;
    shape.prefill_tokens = tokens;
    shape.prefill_sequences = 1;
    shape.prefill_pairs = tokens * computed + tokens * (tokens + 1) / 2;
    shape.prefill_context = computed + tokens;
    shape.sampled_sequences = samples ? 1 : 0;
    shape.prefill_squares = tokens * tokens;
    shape.prefill_past_tiles = (computed + k_kv_tile_tokens - 1) / k_kv_tile_tokens;
    return shape;
}

SoloCost::SoloCost(std::shared_ptr<const CostModel> cost)
    : cost_(std::move(cost)), stages_(static_cast<std::size_t>(cost_->stages())), sums_{0} {}

Duration SoloCost::step(const StepShape& shape) const {
    cost_->alone(shape, stages_);
    Duration total{0};
    for (const Duration stage : stages_) total += stage;
    return total;
}

Duration SoloCost::decode(std::int64_t computed, std::int64_t steps) {
    const auto last = static_cast<std::size_t>(computed + steps);
    while (sums_.size() <= last) {
        StepShape shape;
        shape.decode_sequences = 1;
        shape.decode_context = static_cast<std::int64_t>(sums_.size());
        shape.sampled_sequences = 1;
        sums_.push_back(sums_.back() + step(shape).value);
    }
    return Duration(sums_[last] - sums_[static_cast<std::size_t>(computed)]);
}

}  // namespace replayd
