#pragma once
// Attention on a GPU with the processor of the one that a law was fitted on and other memory (H100, H200): the tensor
// cores, SMs and L2 are the same, so that a call takes what it took there but for what it waited for HBM. Structure and
// constants are measured: FlashAttention-3 on an H100 and an H200, replay/cost/profile/measurements, *.fa3.csv.

#include "replay/cost/laws/kernel_table.hpp"

namespace replayd::cost {

/// FlashAttention splits the context of a decode call where there are fewer sequences times key/value heads than this
/// share of the SMs. Source: num_splits_heuristic, hopper/heuristics.h of Dao-AILab/flash-attention.
inline constexpr double k_splits_below = 0.8;

/// A call whose time on `own` is known.
struct CarriedCall {
    const Hardware& own;
    const Hardware& target;
    const KernelRow& row;
    double own_us = 0;
    /// Share of the HBM bandwidth of `own` that calls of this kind reach there at their longest.
    double reach = 1;
    /// Time on `own` of the same call with as much context as L2 keeps from one repetition to the next.
    double in_l2_us = 0;
    /// The call is repeated on one cache, as public tables do, so that L2 holds what fits.
    bool repeats = true;
};

/// Same architecture, SMs, tensor peak and L2.
[[nodiscard]] bool same_processor(const Hardware& one, const Hardware& other);

/// Prefill: HBM and tensor cores work side by side, and most calls wait for the latter. Microseconds on `call.target`.
[[nodiscard]] double carried_context_us(const CarriedCall& call, double hbm_bytes);

/// Cache bytes that L2 keeps from one repetition of a call to the next, all of them or none.
[[nodiscard]] double bytes_kept_by_l2(const Hardware& hardware);

/// A decode call as its kernel streams the KV cache.
struct KvStream {
    double hbm_bytes = 0;
    double rows = 0;      ///< query rows per key/value head
    double kv_heads = 0;  ///< over the whole batch
    double context = 0;   ///< keys of each
    double dim = 0;
    bool fp8 = false;     ///< the cache's type; else bf16
};

/// Decode: the cache streams through the SMs as fast as the slower of HBM and SMs lets it. Microseconds on
/// `call.target`.
[[nodiscard]] double carried_decode_us(const CarriedCall& call, const KvStream& stream);

}  // namespace replayd::cost
