#pragma once
// How many requests of given lengths a pool holds at the same time, and what limits their number.

#include <cstdint>
#include <string>

#include "replay/memory/memory_plan.hpp"

namespace replayd {

struct RequestLengths {
    Tokens prompt{0};
    Tokens output{0};
};

struct Concurrency {
    std::int64_t blocks_per_request = 0;  ///< at its longest, fixed state included
    std::int64_t by_blocks = 0;           ///< requests per scheduler that the KV cache holds
    std::int64_t per_scheduler = 0;       ///< as above, and at most max_sequences
    std::int64_t pool = 0;                ///< over all replicas and data ranks
    std::string binding;                  ///< "KV blocks", "batching.max_sequences" or "max_context"
};

/// Blocks of one request at its longest: a prefill pool holds the prompt, other pools prompt and output less the last
/// token; policies that reserve the whole context count max_context. Where every layer has a sliding window, no more
/// than it spans.
[[nodiscard]] std::int64_t blocks_per_request(const ModelSpec& model, const PoolSpec& pool, const MemoryPlan& plan,
                                              RequestLengths lengths);

/// The pool's concurrency at these lengths; 0 where max_context does not admit them.
[[nodiscard]] Concurrency concurrency(const ModelSpec& model, const PoolSpec& pool, const MemoryPlan& plan,
                                      RequestLengths lengths);

}  // namespace replayd
