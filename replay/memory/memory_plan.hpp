#pragma once
// Where the bytes of one GPU of a pool go, and how many KV blocks are left.

#include <cstdint>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"
#include "replay/catalog/scenario.hpp"

namespace replayd {

struct MemoryItem {
    std::string name;     ///< e.g. "weights: attention"
    Bytes bytes{0};       ///< on the fullest GPU of the pool
    std::string formula;  ///< how the figure came about, in words and numbers
};

struct MemoryPlan {
    std::string pool;
    Bytes device{0};              ///< memory of one GPU
    Bytes budget{0};              ///< device × memory_fraction
    std::vector<MemoryItem> items;  ///< everything that is not KV cache
    Bytes kv_bytes_per_token{0};  ///< on one GPU
    Bytes kv_bytes_per_block{0};
    Bytes state_bytes_per_request{0};  ///< fixed state of linear-attention layers
    std::int64_t fitting_blocks = 0;   ///< KV blocks that fit into what is left of the budget
    std::int64_t blocks = 0;           ///< what the engine uses: fitting_blocks, or the pinned count
    bool pinned = false;
    std::int64_t parameters = 0;       ///< of the whole model

    [[nodiscard]] Bytes used() const;  ///< sum of items
};

/// Plans every pool of the scenario, in the order of its pools. Error `invalid_argument` when a pool has no
/// room for one KV block (naming the missing bytes), unless its block count is pinned.
[[nodiscard]] Result<std::vector<MemoryPlan>> plan_memory(const Scenario& scenario);

/// Bytes of KV cache that a prefill replica sends for one prompt token (whole replica, all layers), and the
/// fixed state that it sends once per request.
struct TransferSize {
    Bytes per_token{0};
    Bytes per_request{0};
};
[[nodiscard]] TransferSize transfer_size(const Scenario& scenario);

}  // namespace replayd
