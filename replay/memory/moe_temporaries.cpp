#include "replay/memory/moe_temporaries.hpp"

#include <algorithm>

namespace replayd {
namespace {

constexpr std::int64_t k_wide_bytes = 2;       // bf16
constexpr std::int64_t k_values_per_scale = 128;
constexpr std::int64_t k_scale_bytes = 4;
constexpr std::int64_t k_id_bytes = 8;         // row positions have the type of the top-k ids, int64
constexpr std::int64_t k_index_bytes = 4;

std::int64_t aligned(std::int64_t rows) { return ceil_div(rows, k_expert_alignment) * k_expert_alignment; }

/// `rows` × `width` values in the activation type, scales included.
Bytes narrow(std::int64_t rows, std::int64_t width, DataType type) {
    if (type == DataType::bf16) return Bytes(rows * width * k_wide_bytes);
    return Bytes(rows * width + rows * width / k_values_per_scale * k_scale_bytes);
}

Bytes wide(std::int64_t rows, std::int64_t width) { return Bytes(rows * width * k_wide_bytes); }

/// Buffer sizes of both layouts; the peak is left to the caller.
MoeTemporaries buffers(const MoeReceived& r, MoeLayout layout, std::int64_t rows) {
    MoeTemporaries out;
    out.layout = layout;
    out.rows = rows;
    out.received = narrow(r.tokens, r.hidden, r.activations);
    out.input = narrow(rows, r.hidden, r.activations);
    out.upgate = wide(rows, 2 * r.ffn);
    out.down_input = narrow(rows, r.ffn, r.activations);
    out.down_output = wide(rows, r.hidden);
    out.gathered = wide(r.tokens, r.hidden);
    const std::int64_t row_ids = layout == MoeLayout::contiguous ? rows * k_index_bytes : 0;
    out.indices = Bytes(row_ids + r.tokens * r.top_k * k_id_bytes + 2 * r.local_experts * k_index_bytes);
    return out;
}

/// The buffers that live together at each of the layer's operations.
Bytes peak(const MoeTemporaries& t) {
    const bool quantizes_late = t.down_input_wide > Bytes(0);
    const Bytes activated = quantizes_late ? t.down_input_wide : t.down_input;
    const Bytes second_gemm = activated + t.down_output + (quantizes_late ? t.down_input : Bytes(0));
    return std::max({t.received + t.input, t.input + t.upgate, t.upgate + activated, second_gemm,
                     t.down_output + t.gathered});
}

MoeTemporaries contiguous(const MoeReceived& received, std::int64_t rows) {
    if (received.tokens == 0) return {};
    MoeTemporaries out = buffers(received, MoeLayout::contiguous, rows);
    if (received.activations != DataType::bf16) out.down_input_wide = wide(rows, received.ffn);
    out.peak = peak(out);
    return out;
}

}  // namespace

MoeLayout hybrid_layout(std::int64_t tokens, std::int64_t masked_tokens_max) {
    if (tokens == 0) return MoeLayout::none;
    return tokens <= masked_tokens_max ? MoeLayout::masked : MoeLayout::contiguous;
}

MoeTemporaries masked_temporaries(const MoeReceived& received) {
    if (received.tokens == 0) return {};
    MoeTemporaries out = buffers(received, MoeLayout::masked, received.local_experts * aligned(received.tokens));
    out.peak = peak(out);
    return out;
}

MoeTemporaries contiguous_temporaries(const MoeReceived& received, std::span<const std::int64_t> tokens_per_expert) {
    std::int64_t rows = 0;
    for (const std::int64_t tokens : tokens_per_expert) rows += aligned(tokens);
    return contiguous(received, rows);
}

MoeTemporaries balanced_temporaries(const MoeReceived& received, std::int64_t expert_tokens) {
    return contiguous(received, received.local_experts * aligned(expert_tokens));
}

MoeTemporaries low_latency_temporaries(const MoeReceived& received, std::int64_t ranks, std::int64_t tokens_max) {
    if (tokens_max == 0) return {};
    MoeTemporaries out = buffers(received, MoeLayout::masked, received.local_experts * ranks * tokens_max);
    // The input is the dispatch buffer itself; weights and sum are combine's.
    out.received = out.input;
    out.input = out.gathered = Bytes(0);
    out.indices = Bytes(2 * received.local_experts * k_index_bytes);
    out.peak = std::max({out.received + out.upgate, out.upgate + out.down_input, out.down_input + out.down_output});
    return out;
}

}  // namespace replayd
