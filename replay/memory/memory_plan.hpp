#pragma once
// Where the bytes of one GPU of a pool go, and how many KV blocks are left.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/base/units.hpp"
#include "replay/catalog/scenario.hpp"

namespace replayd {

/// Where a figure comes from.
enum class ItemBasis {
    physics,     ///< follows from the model's shapes and the precision
    habit,       ///< what the serving engine allocates, by its published source
    assumption,  ///< a measured or published figure of a similar machine
};

/// Stable names, indexed by ItemBasis: SQLite, JSON and tables have them.
inline constexpr std::array<std::string_view, 3> k_item_basis_names = {"physics", "habit", "assumption"};
[[nodiscard]] constexpr std::string_view to_text(ItemBasis basis) {
    return k_item_basis_names[static_cast<std::size_t>(basis)];
}

struct MemoryItem {
    std::string name;     ///< e.g. "weights: attention"
    Bytes bytes{0};       ///< on the fullest GPU of the pool
    std::string formula;  ///< how the figure came about, in words and numbers
    ItemBasis basis = ItemBasis::physics;

    bool operator==(const MemoryItem&) const = default;
};

struct MemoryPlan {
    std::string pool;
    Bytes device{0};              ///< memory of one GPU
    Bytes budget{0};              ///< device × memory_fraction
    std::vector<MemoryItem> items;  ///< everything in the budget that is not KV cache
    std::vector<MemoryItem> outside;  ///< CUDA context and graphs: in the share that memory_fraction leaves free
    Bytes kv_bytes_per_token{0};  ///< on one GPU
    Bytes kv_bytes_per_block{0};
    Bytes state_bytes_per_request{0};  ///< of linear-attention layers and full sliding windows; taken in KV blocks
    std::int64_t fitting_blocks = 0;   ///< KV blocks that fit into what is left of the budget
    std::int64_t blocks = 0;           ///< what the engine uses: fitting_blocks, or the pinned count
    std::int64_t host_blocks = 0;      ///< KV blocks of the host tier
    bool pinned = false;
    std::int64_t parameters = 0;       ///< of the whole model
    std::int64_t stage = 0;            ///< the pipeline stage that this is the plan of: the one with the fewest blocks
    Bytes missing{0};                  ///< to the first KV block; above 0: the pool does not fit

    bool operator==(const MemoryPlan&) const = default;
    [[nodiscard]] Bytes used() const;  ///< sum of items
    /// Device memory beside the budget less what lives there: what is left for another process, fragmentation and
    /// trouble. Negative: the process runs out of memory when it captures its graphs.
    [[nodiscard]] Bytes margin() const;
    /// The memory_fraction that gives `count` blocks, rounded up to a millionth; nothing where it is above 1.
    [[nodiscard]] std::optional<double> fraction_for(std::int64_t count) const;
};

/// The plan of one pool, also where it does not fit (`missing`); with AFD that of its attention GPUs (see plan_ffn()).
[[nodiscard]] MemoryPlan plan_pool(const ModelSpec& model, const PoolSpec& pool);

/// Plans every pool of the scenario, in the order of its pools. Error `invalid_argument` when a pool has no
/// room for one KV block, unless its block count is pinned, or an FFN GPU none for its share: the message names the
/// missing bytes, the largest item and the first of the changes that would make it fit (remedies.hpp).
[[nodiscard]] Result<std::vector<MemoryPlan>> plan_memory(const Scenario& scenario);

/// Bytes of KV cache that a prefill replica sends for one prompt token (whole replica, all layers), and the
/// fixed state that it sends once per request, in the precision of the wire.
struct TransferSize {
    Bytes per_token{0};
    Bytes per_request{0};
};
[[nodiscard]] TransferSize transfer_size(const Scenario& scenario);

}  // namespace replayd
