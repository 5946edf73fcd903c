#pragma once
// Attention/FFN disaggregation: when the micro-batches ("stages") of a step are through. In each layer every stage
// passes the same chain of resources (attention, link out, FFN, link back), each of which serves the stages one at a
// time and in order. A chain of six has the all-gather and the reduce-scatter inside the FFN servers as links of their
// own, for kernels that overlap them with the computation of another stage.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "replay/base/units.hpp"

namespace replayd::afd {

/// The most stages and the longest chain that a Pipeline takes.
inline constexpr std::size_t k_stages_max = 64;
inline constexpr std::size_t k_chain_max = 6;

/// Times of one layer: row-major [stage][resource], all ≥ 0; the size of a row is the length of the chain.
struct LayerTimes {
    std::int64_t layers = 1;          ///< so many layers in a row have these times
    std::span<const Duration> times;  ///< of stage 0, then stage 1, …
};

/// One visit of a stage to a resource.
struct Visit {
    std::int64_t layer = 0;
    std::int64_t stage = 0;
    std::int64_t resource = 0;
    Duration begin{0};  ///< since the step's first attention
    Duration end{0};

    bool operator==(const Visit&) const = default;
};

/// Runs of layers through one chain. Allocates nothing; any thread.
class Pipeline {
public:
    /// 1 to k_stages_max micro-batches over 1 to k_chain_max resources.
    Pipeline(std::int64_t stages, std::int64_t resources);

    /// End of the last stage's last visit:
    ///     end(stage, r) = max(free(r), end(stage, r − 1)) + time(stage, r), ready(stage) = end(stage, last r).
    /// Layers that shift every state by the same time repeat for ever, since the recurrence is max-plus linear, so the
    /// rest of their run is added in one multiplication: exact, and O(layers until steady × stages × resources).
    [[nodiscard]] Duration run(std::span<const LayerTimes> layers) const;

    /// The same, with every visit to layers [first, first + count) written down in order of layer, stage, resource.
    [[nodiscard]] Duration run(std::span<const LayerTimes> layers, std::int64_t first, std::int64_t count,
                               std::vector<Visit>& visits) const;

private:
    std::size_t stages_;
    std::size_t resources_;
};

}  // namespace replayd::afd
