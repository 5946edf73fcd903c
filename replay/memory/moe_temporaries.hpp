#pragma once
// Buffers of one MoE layer between dispatch and combine, and the most of them that live at the same time. They are
// freed eagerly and reused by the next layer, so a plan counts the peak once.
// Source: alibaba/rtp-llm at 4b8d39cd, fused_moe executors (deepgemm_hybrid_executor.py and its masked twin).

#include <cstdint>
#include <span>

#include "replay/base/units.hpp"
#include "replay/catalog/model_spec.hpp"

namespace replayd {

enum class MoeLayout {
    none,        ///< no token was received: no buffer, no kernel, but dispatch and combine take part
    masked,      ///< one row block per local expert, each as long as all received tokens
    contiguous,  ///< rows of all experts one after another, each rounded up
};

/// What a rank received in one step, all counts at least 0.
struct MoeReceived {
    std::int64_t tokens = 0;         ///< rows after dispatch: tokens that chose at least one local expert
    std::int64_t local_experts = 0;
    std::int64_t top_k = 0;
    std::int64_t hidden = 0;
    std::int64_t ffn = 0;            ///< intermediate size of one expert on this rank
    DataType activations = DataType::bf16;  ///< bf16, or fp8 with one fp32 scale per 128 values
};

struct MoeTemporaries {
    MoeLayout layout = MoeLayout::none;
    std::int64_t rows = 0;         ///< allocated rows of each row buffer
    Bytes received{0};             ///< the dispatch result
    Bytes input{0};
    Bytes upgate{0};               ///< gate and up, 16 bit
    Bytes down_input{0};           ///< in the activation type, scales included
    Bytes down_input_wide{0};      ///< contiguous fp8 only: the 16-bit result before it is quantized
    Bytes down_output{0};
    Bytes gathered{0};
    Bytes indices{0};              ///< expert ids, row positions and counts: live all the time
    Bytes peak{0};                 ///< most row buffers at one time, without `indices`
};

/// Rows are counted in multiples of this (DeepGEMM's contiguous alignment on Hopper).
inline constexpr std::int64_t k_expert_alignment = 128;

/// The layout that the hybrid executor picks for `tokens` received tokens: masked up to `masked_tokens_max`.
[[nodiscard]] MoeLayout hybrid_layout(std::int64_t tokens, std::int64_t masked_tokens_max);

/// Masked layout: local_experts × the received tokens rounded up.
[[nodiscard]] MoeTemporaries masked_temporaries(const MoeReceived& received);

/// Contiguous layout with `tokens_per_expert` of every local expert (each at most `received.tokens`).
[[nodiscard]] MoeTemporaries contiguous_temporaries(const MoeReceived& received,
                                                    std::span<const std::int64_t> tokens_per_expert);

/// Contiguous layout with `expert_tokens` at each local expert.
[[nodiscard]] MoeTemporaries balanced_temporaries(const MoeReceived& received, std::int64_t expert_tokens);

/// DeepEP low-latency mode: the dispatch buffer is the input, with `tokens_max` rows for every physical expert of the
/// group (local_experts × ranks of them); combine reads the output, so nothing is scattered or gathered.
[[nodiscard]] MoeTemporaries low_latency_temporaries(const MoeReceived& received, std::int64_t ranks,
                                                     std::int64_t tokens_max);

}  // namespace replayd
