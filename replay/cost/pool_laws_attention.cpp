// Attention and the gated delta net of PoolLaws: their laws sampled over a grid, and the planes through the samples.

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "replay/cost/laws/tables.hpp"
#include "replay/cost/plane_fit.hpp"
#include "replay/cost/pool_laws.hpp"
#include "replay/cost/pool_laws_shared.hpp"

namespace replayd::cost {
namespace {

// Where planes are laid through the laws: powers of two over the range of serving, as far as the public tables reach.
constexpr std::array<double, 6> k_prefill_lengths = {64, 256, 1'024, 4'096, 16'384, 32'768};
constexpr std::array<double, 4> k_prefill_batches = {1, 2, 8, 16};
constexpr double k_prefill_tokens_max = 32'768;
constexpr std::array<double, 5> k_decode_contexts = {256, 1'024, 4'096, 16'384, 65'536};
constexpr std::array<double, 6> k_decode_batches = {1, 4, 16, 64, 128, 256};
constexpr double k_decode_context_max = 2'097'152;

std::string_view kv_name(DataType type) { return type == DataType::fp8 ? "fp8" : "bfloat16"; }

KernelRow head_row(const HeadCounts& heads, DataType kv, double batch, double length) {
    KernelRow row;
    row.number = {batch, length, static_cast<double>(heads.query), static_cast<double>(heads.kv),
                  static_cast<double>(heads.dim), type_number("bfloat16"), type_number(kv_name(kv)), 0};
    return row;
}

KernelRow latent_row(std::int64_t heads, DataType kv, double batch, double length) {
    KernelRow row;
    row.number = {type_number("bfloat16"), type_number(kv_name(kv)), static_cast<double>(heads), batch, length};
    return row;
}

/// Samples over `lengths` × `batches`, as long as the product is at most `tokens_max`, and the plane through them.
template <class Sample>
PricedPlane plane_over(std::span<const double> lengths, std::span<const double> batches, double tokens_max,
                       const ChosenLaw& law, const Sample& sample) {
    std::vector<PlaneSample> samples;
    for (const double length : lengths) {
        for (const double batch : batches) {
            if (batch * length <= tokens_max) samples.push_back(sample(batch, length));
        }
    }
    const auto plane = fit_plane(samples);
    return {plane[0], plane[1], plane[2], provenance_of(law)};
}

/// Prefill attention by `us(batch, length)`: a = query-key pairs, b = tokens.
template <class Us>
PricedPlane prefill_plane(const ChosenLaw& law, const Us& us) {
    const auto sample = [&](double batch, double length) {
        return PlaneSample{batch * length * (length + 1) / 2, batch * length, us(batch, length) * k_ns_per_us};
    };
    return plane_over(k_prefill_lengths, k_prefill_batches, k_prefill_tokens_max, law, sample);
}

/// Decode attention by `us(batch, context)`: a = tokens of context, b = sequences.
template <class Us>
PricedPlane decode_plane(const ChosenLaw& law, const Us& us) {
    const auto sample = [&](double batch, double context) {
        return PlaneSample{batch * context, batch, us(batch, context) * k_ns_per_us};
    };
    return plane_over(k_decode_contexts, k_decode_batches, k_decode_context_max, law, sample);
}

/// The public tables repeat a call on one KV cache, which stays in L2 where it fits; in a step every layer reads its
/// own, for the first time. So decode attention takes at least what the same law says per byte of a cache that L2
/// cannot hold. Seen on an RTX PRO 6000 (L2 128 MB): the public table's times are 0.45 to 0.75 of those of
/// casys-kaist/LLMServingSim's profile of the same kernel from 17 to 134 MB of cache, and 0.95 to 1.0 of them above
/// 500 MB. Hopper's L2 is small and split in two; there our measured steps are met without (medians 3.8 to 5.7 %, with
/// it 4.4 to 6.3 %).
constexpr double k_cold_caches = 4;  // in L2s: chosen as 537 of 128 MB, see above
template <class Us>
double cold_us(const Us& us, double l2_bytes, double batch, double length, double bytes_per_token) {
    const double warm = us(batch, length);
    const double larger = k_cold_caches * l2_bytes / (batch * length * bytes_per_token);
    if (larger <= 1) return warm;
    const double start = std::min(warm, us(batch, 1));
    return std::max(warm, start + (us(batch, length * larger) - start) / larger);
}

/// Convolution and recurrence of one layer: a prefill of `length` tokens per sequence, or with 0 a decode step.
double delta_net_us(const ChosenLaw& law, const LinearAttentionSpec& linear, std::int64_t tensor, std::int64_t hidden,
                    double batch, double length) {
    KernelRow row;
    row.number = {batch,
                  std::max(1.0, length),
                  static_cast<double>(hidden),
                  static_cast<double>(linear.conv_kernel),
                  static_cast<double>(linear.k_heads / tensor),
                  static_cast<double>(linear.k_head_dim),
                  static_cast<double>(linear.v_heads / tensor),
                  static_cast<double>(linear.v_head_dim)};
    const std::string_view phase = length > 0 ? "context/" : "generation/";
    double us = 0;
    for (const LawKernel& kernel : law.law.parts().kernels) {
        if (!kernel.name.starts_with(phase)) continue;
        row.kernel = kernel.name;
        us += law.sustained(row);
    }
    return us;
}

}  // namespace

PricedPlane PoolLaws::prefill(const HeadCounts& heads, DataType kv) {
    const ChosenLaw& attention = law("context_attention", k_backend);
    return prefill_plane(attention,
                         [&](double b, double s) { return attention.sustained(head_row(heads, kv, b, s)); });
}

PricedPlane PoolLaws::decode(const HeadCounts& heads, DataType kv) {
    const ChosenLaw& attention = law("generation_attention", k_backend);
    const double token_bytes = 2 * static_cast<double>(heads.kv * heads.dim) * type_of(type_number(kv_name(kv))).bytes;
    const auto us = [&](double b, double s) { return attention.sustained(head_row(heads, kv, b, s)); };
    const bool stays_warm = hardware_.architecture != k_own_architecture;
    return decode_plane(attention, [&](double b, double s) {
        return stays_warm ? cold_us(us, hardware_.l2_bytes, b, s, token_bytes) : us(b, s);
    });
}

bool PoolLaws::decodes_in_query_blocks(DataType kv) const {
    constexpr int k_hopper = 90;
    constexpr int k_data_centre_blackwell = 100;
    return kv == DataType::bf16 && hardware_.architecture != k_hopper &&
           hardware_.architecture != k_data_centre_blackwell;
}

PricedPlane PoolLaws::latent_prefill(std::int64_t heads, DataType kv) {
    const ChosenLaw& attention = law("context_mla", k_backend);
    return prefill_plane(attention,
                         [&](double b, double s) { return attention.sustained(latent_row(heads, kv, b, s)); });
}

PricedPlane PoolLaws::latent_decode(std::int64_t heads, DataType kv) {
    const ChosenLaw& attention = law("generation_mla", k_backend);
    return decode_plane(attention,
                        [&](double b, double s) { return attention.sustained(latent_row(heads, kv, b, s)); });
}

PricedPlane PoolLaws::delta_net_prefill(const LinearAttentionSpec& linear, std::int64_t tensor, std::int64_t hidden) {
    const ChosenLaw& net = law("gdn", k_backend);
    const auto sample = [&](double batch, double length) {
        const double us = delta_net_us(net, linear, tensor, hidden, batch, length);
        return PlaneSample{batch * length, batch, us * k_ns_per_us};
    };
    return plane_over(k_prefill_lengths, k_prefill_batches, k_prefill_tokens_max, net, sample);
}

PricedCurve PoolLaws::delta_net_decode(const LinearAttentionSpec& linear, std::int64_t tensor, std::int64_t hidden) {
    const ChosenLaw& net = law("gdn", k_backend);
    return {RowCurve([&](double sequences) { return delta_net_us(net, linear, tensor, hidden, sequences, 0); }),
            provenance_of(net)};
}

}  // namespace replayd::cost
