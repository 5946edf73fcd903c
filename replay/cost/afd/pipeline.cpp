#include "replay/cost/afd/pipeline.hpp"

#include <algorithm>
#include <numeric>

#include "replay/base/assert.hpp"

namespace replayd::afd {
namespace {

/// Whether every state is later than one layer before by the same time.
bool is_shifted(std::span<const Duration> now, std::span<const Duration> before) {
    const Duration shift = now.front() - before.front();
    for (std::size_t i = 1; i < now.size(); ++i) {
        if (now[i] - before[i] != shift) return false;
    }
    return true;
}

}  // namespace

Pipeline::Pipeline(std::int64_t stages, std::int64_t resources) : stages_(stages), resources_(resources) {
    REPLAYD_ASSERT(stages >= 1 && resources >= 1);
    state_.resize(static_cast<std::size_t>(stages + resources));
    before_.resize(state_.size());
}

void Pipeline::reset() { std::fill(state_.begin(), state_.end(), Duration(0)); }

void Pipeline::pass(const LayerTimes& layer) {
    const auto resources = static_cast<std::size_t>(resources_);
    const auto stages = static_cast<std::size_t>(stages_);
    const Duration* time = layer.times.data();
    for (std::size_t stage = 0; stage < stages; ++stage) {
        Duration at = state_[resources + stage];
        for (std::size_t r = 0; r < resources; ++r) {
            at = std::max(state_[r], at) + *time++;
            state_[r] = at;
        }
        state_[resources + stage] = at;
    }
}

Duration Pipeline::last() const { return state_.back(); }

Duration Pipeline::run(std::span<const LayerTimes> layers) {
    reset();
    for (const LayerTimes& layer : layers) {
        REPLAYD_ASSERT(std::ssize(layer.times) == stages_ * resources_);
        for (std::int64_t left = layer.layers; left > 0; --left) {
            std::copy(state_.begin(), state_.end(), before_.begin());
            pass(layer);
            if (!is_shifted(state_, before_)) continue;
            const Duration shift = (state_.front() - before_.front()) * (left - 1);
            for (Duration& each : state_) each += shift;
            break;
        }
    }
    return last();
}

Duration Pipeline::run(std::span<const LayerTimes> layers, std::int64_t first, std::int64_t count,
                       std::vector<Visit>& visits) {
    reset();
    std::int64_t index = 0;
    for (const LayerTimes& layer : layers) {
        REPLAYD_ASSERT(std::ssize(layer.times) == stages_ * resources_);
        for (std::int64_t i = 0; i < layer.layers; ++i, ++index) {
            const bool kept = index >= first && index < first + count;
            const Duration* time = layer.times.data();
            for (std::int64_t stage = 0; stage < stages_; ++stage) {
                Duration& ready = state_[static_cast<std::size_t>(resources_ + stage)];
                for (std::int64_t r = 0; r < resources_; ++r) {
                    Duration& free = state_[static_cast<std::size_t>(r)];
                    const Duration begin = std::max(free, ready);
                    ready = free = begin + *time++;
                    if (kept) visits.push_back({index, stage, r, begin, ready});
                }
            }
        }
    }
    return last();
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
