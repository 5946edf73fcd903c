#pragma once
// What to change when a pool does not fit: each proposal is planned before it is made, so each really fits.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "replay/memory/memory_plan.hpp"

namespace replayd {

/// What a change costs, cheapest first; proposals are ranked by it.
enum class RemedyCost {
    setting,    ///< smaller batches or buffers, or a larger share of the device
    precision,  ///< fewer bits in weights or KV cache
    gpus,       ///< more GPUs of the same kind
    hardware,   ///< another GPU
};

struct Remedy {
    std::vector<std::string> settings;  ///< "POOL.KEY=VALUE", as scenario overrides take them
    RemedyCost cost = RemedyCost::setting;
    std::int64_t gpus = 0;              ///< of one replica with the change
    PoolSpec pool;                      ///< with the change
    MemoryPlan plan;                    ///< of that pool

    /// The settings joined with " and ", for a message.
    [[nodiscard]] std::string text() const;
};

/// Changes of pool `index` that give it at least `blocks` KV blocks, best first: by cost, then fewer GPUs, then
/// more bits per weight, then more blocks. Single changes; two at once only where no single one is enough. Each passes
/// the checks of a scenario file. `gpus` are the ones to consider (those of the catalog, where empty). Empty: nothing
/// that was tried fits.
[[nodiscard]] std::vector<Remedy> remedies(const Scenario& scenario, std::size_t index, std::int64_t blocks = 1,
                                           std::span<const GpuSpec> gpus = {});

/// The message of a pool that has no room for one KV block: the missing bytes, the largest item, what would fit.
[[nodiscard]] std::string no_room(const Scenario& scenario, std::size_t index, const MemoryPlan& plan);

}  // namespace replayd
