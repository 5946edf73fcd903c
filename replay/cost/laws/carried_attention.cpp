#include "replay/cost/laws/carried_attention.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace replayd::cost {
namespace {

// All from replay/cost/profile/measurements: 1,100 calls of FlashAttention-3 on an H100 and an H200 (*.fa3.csv), and
// FlashAttention-2 and a Triton kernel (generation_attention*.csv) for what is said of other kernels.

/// Of the data sheet's bandwidth, both GPUs: bf16 caches at head dimension 128 and 256 stream at 0.89 … 0.93.
constexpr double k_stream = 0.9;
/// Prefill reads queries, keys and values that were just written, hence at less than a stream's rate.
constexpr double k_context_stream = 0.85;
/// A repeated call finds its cache in L2 up to 0.67 of it (33.5 MB: none read) and nothing from 0.9 on (67 MB: all
/// read): what is oldest goes first, which is what the next call begins with.
constexpr double k_l2_holds = 0.67;
constexpr double k_l2_loses = 0.9;

// One query row of a sequence fills one row of FlashAttention-3's tile (hopper/tile_size.h, Dao-AILab/flash-attention:
// 192 rows up to head dimension 64, else 128), and the tensor cores multiply all of them. Measured on the H200, where
// HBM no longer hides it: share of the tensor peak by tile and type. Tiles of 128 rows in bf16 keep up with 4.4 TB/s.
constexpr double k_wide_tile_dim = 64;
constexpr double k_wide_tile_rows = 192;
constexpr double k_tile_rows = 128;
constexpr double k_wide_tile_bf16 = 0.57;
constexpr double k_wide_tile_fp8 = 0.34;
constexpr double k_tile_fp8 = 0.5;

/// Kernels that reach less than this of HBM at their longest are held up by their SMs: a Triton kernel that turns fp8
/// into bf16 (0.76) takes the same time on the H200, the same kernel in bf16 (0.82) 0.73 of it, measured.
constexpr double k_held_up_by_sms = 0.78;
/// FlashAttention-2 without splits has one block an SM, which cannot ask for more: measured 0.80 and 0.70 (head
/// dimension 128 and 64), and 0.98 of the time on the H200; with splits 0.92, and 0.70.
constexpr double k_unsplit_held_up_by_sms = 0.84;

double tile_us(const Hardware& hardware, const KvStream& stream) {
    const bool wide = stream.dim <= k_wide_tile_dim;
    if (!wide && !stream.fp8) return 0;
    const double tile = wide ? k_wide_tile_rows : k_tile_rows;
    const double flops = 4 * stream.kv_heads * tile * std::ceil(stream.rows / tile) * stream.dim * stream.context;
    const double share = !stream.fp8 ? k_wide_tile_bf16 : wide ? k_wide_tile_fp8 : k_tile_fp8;
    return flops / (share * (stream.fp8 ? hardware.fp8_flops_per_us : hardware.bf16_flops_per_us));
}

double sm_bound_below(const CarriedCall& call, const KvStream& stream) {
    const bool second = call.row.kernel.find("flash2") != std::string::npos;
    const bool unsplit = stream.kv_heads >= k_splits_below * call.own.sms;
    return second && unsplit ? k_unsplit_held_up_by_sms : k_held_up_by_sms;
}

}  // namespace

bool same_processor(const Hardware& one, const Hardware& other) {
    return one.architecture == other.architecture && one.sms == other.sms && one.l2_bytes == other.l2_bytes &&
           one.bf16_flops_per_us == other.bf16_flops_per_us;
}

double bytes_kept_by_l2(const Hardware& hardware) {
    return k_l2_holds * hardware.l2_bytes;
}

double carried_context_us(const CarriedCall& call, double hbm_bytes) {
    const double own = std::min(call.own_us, hbm_bytes / (k_context_stream * call.own.hbm_bytes_per_us));
    const double there = own * call.own.hbm_bytes_per_us / call.target.hbm_bytes_per_us;
    return std::cbrt(std::pow(call.own_us, 3) - std::pow(own, 3) + std::pow(there, 3));
}

double carried_decode_us(const CarriedCall& call, const KvStream& stream) {
    const double hbm_own = stream.hbm_bytes / (k_stream * call.own.hbm_bytes_per_us);
    const double hbm_there = stream.hbm_bytes / (k_stream * call.target.hbm_bytes_per_us);
    double sms = 0;
    if (call.row.kernel.find("fa3") != std::string::npos) {
        sms = tile_us(call.own, stream);
    } else if (call.reach < sm_bound_below(call, stream)) {
        sms = stream.hbm_bytes / (call.reach * call.own.hbm_bytes_per_us);
    }
    const double in_l2 = stream.hbm_bytes / call.own.l2_bytes;
    const double read = call.repeats ? std::clamp((in_l2 - k_l2_holds) / (k_l2_loses - k_l2_holds), 0.0, 1.0) : 1.0;
    const double streamed = std::min(call.own_us, read * std::max(hbm_own, sms));
    const double faster = std::max(hbm_there, sms) / std::max(hbm_own, sms);
    const double latency = call.target.latency / call.own.latency;
    const double us = (call.own_us - streamed) * latency + streamed * faster;
    // Where L2 lets go, the own GPU has more to lose; a longer call is no faster for that.
    return read > 0 && call.repeats ? std::max(us, latency * std::min(call.own_us, call.in_l2_us)) : us;
}

}  // namespace replayd::cost
