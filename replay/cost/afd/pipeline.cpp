#include "replay/cost/afd/pipeline.hpp"

#include <algorithm>
#include <numeric>

#include "replay/base/assert.hpp"

namespace replayd::afd {

Pipeline::Pipeline(std::int64_t stages, std::int64_t resources)
    : stages_(static_cast<std::size_t>(stages)), resources_(static_cast<std::size_t>(resources)) {
    REPLAYD_ASSERT(stages_ >= 1 && stages_ <= k_stages_max && resources_ >= 1 && resources_ <= k_chain_max);
}

void Pipeline::pass(const LayerTimes& layer) {
    const Duration* time = layer.times.data();
    for (std::size_t stage = 0; stage < stages_; ++stage) {
        Duration at = state_[resources_ + stage];
        for (std::size_t r = 0; r < resources_; ++r) {
            at = std::max(state_[r], at) + *time++;
            state_[r] = at;
        }
        state_[resources_ + stage] = at;
    }
}

/// Whether every state is later than `before` by the same time.
bool Pipeline::is_shifted_from(const State& before) const {
    const Duration shift = state_.front() - before.front();
    for (std::size_t i = 1; i < used(); ++i) {
        if (state_[i] - before[i] != shift) return false;
    }
    return true;
}

Duration Pipeline::run(std::span<const LayerTimes> layers) {
    state_ = {};
    for (const LayerTimes& layer : layers) {
        REPLAYD_ASSERT(layer.times.size() == stages_ * resources_);
        for (std::int64_t left = layer.layers; left > 0; --left) {
            const State before = state_;
            pass(layer);
            if (!is_shifted_from(before)) continue;
            const Duration shift = (state_.front() - before.front()) * (left - 1);
            for (Duration& each : state_) each += shift;
            break;
        }
    }
    return state_[used() - 1];
}

Duration Pipeline::run(std::span<const LayerTimes> layers, std::int64_t first, std::int64_t count,
                       std::vector<Visit>& visits) {
    state_ = {};
    std::int64_t index = 0;
    for (const LayerTimes& layer : layers) {
        REPLAYD_ASSERT(layer.times.size() == stages_ * resources_);
        for (std::int64_t i = 0; i < layer.layers; ++i, ++index) {
            const bool kept = index >= first && index < first + count;
            const Duration* time = layer.times.data();
            for (std::size_t stage = 0; stage < stages_; ++stage) {
                Duration& ready = state_[resources_ + stage];
                for (std::size_t r = 0; r < resources_; ++r) {
                    const Duration begin = std::max(state_[r], ready);
                    ready = state_[r] = begin + *time++;
                    if (!kept) continue;
                    visits.push_back(
                        {index, static_cast<std::int64_t>(stage), static_cast<std::int64_t>(r), begin, ready});
                }
            }
        }
    }
    return state_[used() - 1];
}

Duration cycle(std::span<const Duration> chain, std::int64_t stages) {
    REPLAYD_ASSERT(!chain.empty() && stages >= 1);
    const Duration sum = std::accumulate(chain.begin(), chain.end(), Duration(0));
    return std::max(*std::max_element(chain.begin(), chain.end()) * stages, sum);
}

Duration equal_stages(std::span<const Duration> chain, std::int64_t stages, std::int64_t layers) {
    REPLAYD_ASSERT(layers >= 1);
    const Duration sum = std::accumulate(chain.begin(), chain.end(), Duration(0));
    const Duration longest = *std::max_element(chain.begin(), chain.end());
    return cycle(chain, stages) * (layers - 1) + sum + longest * (stages - 1);
}

}  // namespace replayd::afd
