#include "replay/cost/afd/pipeline.hpp"

#include <algorithm>

#include "replay/base/assert.hpp"

namespace replayd::afd {

Pipeline::Pipeline(std::int64_t stages, std::int64_t resources)
    : stages_(static_cast<std::size_t>(stages)), resources_(static_cast<std::size_t>(resources)) {
    REPLAYD_ASSERT(stages_ >= 1 && stages_ <= k_stages_max && resources_ >= 1 && resources_ <= k_chain_max);
}

namespace {

/// The states of a run over a chain of R resources, which the compiler keeps in registers.
template <std::size_t R>
struct Front {
    std::array<Duration, R> free{};
    std::array<Duration, k_stages_max> ready;
    std::size_t stages;

    explicit Front(std::size_t stages_used) : stages(stages_used) { std::fill_n(ready.begin(), stages, Duration(0)); }

    void pass(const Duration* time) {
        std::array<Duration, R> at = free;
        for (std::size_t stage = 0; stage < stages; ++stage) {
            Duration end = ready[stage];
            for (std::size_t r = 0; r < R; ++r) end = at[r] = std::max(at[r], end) + *time++;
            ready[stage] = end;
        }
        free = at;
    }

    void shift(Duration by) {
        for (Duration& each : free) each += by;
        for (std::size_t stage = 0; stage < stages; ++stage) ready[stage] += by;
    }
};

/// Layers that shift every state by the same time do so for the rest of their run.
template <std::size_t R>
void pass_all(Front<R>& front, const LayerTimes& layer) {
    std::array<Duration, R> free_before;
    std::array<Duration, k_stages_max> ready_before;
    for (std::int64_t left = layer.layers; left > 0; --left) {
        free_before = front.free;
        std::copy_n(front.ready.begin(), front.stages, ready_before.begin());
        front.pass(layer.times.data());
        const Duration by = front.free[0] - free_before[0];
        bool shifted = true;
        for (std::size_t r = 1; r < R; ++r) shifted &= front.free[r] - free_before[r] == by;
        for (std::size_t i = 0; shifted && i < front.stages; ++i) shifted = front.ready[i] - ready_before[i] == by;
        if (shifted) return front.shift(by * (left - 1));
    }
}

template <std::size_t R>
Duration run_chain(std::size_t stages, std::span<const LayerTimes> layers) {
    Front<R> front(stages);
    for (const LayerTimes& layer : layers) {
        REPLAYD_ASSERT(layer.times.size() == stages * R);
        pass_all(front, layer);
    }
    return front.ready[stages - 1];
}

}  // namespace

Duration Pipeline::run(std::span<const LayerTimes> layers) const {
    static_assert(k_chain_max == 6);
    switch (resources_) {
        case 1: return run_chain<1>(stages_, layers);
        case 2: return run_chain<2>(stages_, layers);
        case 3: return run_chain<3>(stages_, layers);
        case 4: return run_chain<4>(stages_, layers);
        case 5: return run_chain<5>(stages_, layers);
        default: return run_chain<6>(stages_, layers);
    }
}

Duration Pipeline::run(std::span<const LayerTimes> layers, std::int64_t first, std::int64_t count,
                       std::vector<Visit>& visits) const {
    std::array<Duration, k_chain_max> free{};
    std::array<Duration, k_stages_max> ready_of{};
    std::int64_t index = 0;
    for (const LayerTimes& layer : layers) {
        REPLAYD_ASSERT(layer.times.size() == stages_ * resources_);
        for (std::int64_t i = 0; i < layer.layers; ++i, ++index) {
            const bool kept = index >= first && index < first + count;
            const Duration* time = layer.times.data();
            for (std::size_t stage = 0; stage < stages_; ++stage) {
                Duration& ready = ready_of[stage];
                for (std::size_t r = 0; r < resources_; ++r) {
                    const Duration begin = std::max(free[r], ready);
                    ready = free[r] = begin + *time++;
                    if (!kept) continue;
                    visits.push_back(
                        {index, static_cast<std::int64_t>(stage), static_cast<std::int64_t>(r), begin, ready});
                }
            }
        }
    }
    return ready_of[stages_ - 1];
}

}  // namespace replayd::afd
