#include "replay/memory/deepep_buffers.hpp"

#include <algorithm>

namespace replayd {
namespace {

constexpr std::int64_t k_alignment = 128;
constexpr std::int64_t k_values_per_scale = 128;
constexpr std::int64_t k_scale_bytes = 4;
constexpr std::int64_t k_wide_bytes = 2;
constexpr std::int64_t k_ranks_per_node = 8;

/// Bytes beside the hidden state in a normal-mode slot: source metadata, top-k ids, weights and scales at their
/// largest supported counts.
constexpr std::int64_t k_slot_extra = 8 + 1024 + 512 + 512;
constexpr std::int64_t k_rdma_slot_extra = k_slot_extra + 16;

/// Receive slots per channel and peer (the library's tuned dispatch tables).
struct ReceiveSlots {
    std::int64_t nvlink = 0;
    std::int64_t rdma = 0;
};

ReceiveSlots receive_slots(std::int64_t ranks) {
    if (ranks <= k_ranks_per_node) return {256, 0};
    return {288, ranks <= 2 * k_ranks_per_node ? 140 : 128};
}

}  // namespace

std::int64_t low_latency_tokens_max(std::int64_t sequences, std::int64_t draft_tokens, std::int64_t tensor) {
    constexpr std::int64_t k_least = 64;
    const std::int64_t tokens = ceil_div(sequences * (1 + draft_tokens), tensor);
    return tokens <= k_least ? k_least : ceil_div(tokens, k_alignment) * k_alignment;
}

Bytes low_latency_buffer(std::int64_t hidden, std::int64_t experts, std::int64_t tokens_max) {
    constexpr std::int64_t k_header = 16;
    constexpr std::int64_t k_signal_bytes = 4;
    constexpr std::int64_t k_halves = 2;
    const std::int64_t scales = hidden / k_values_per_scale * k_scale_bytes;
    const std::int64_t dispatch = k_header + std::max(k_wide_bytes * hidden, hidden + scales);
    const std::int64_t combine = scales + k_wide_bytes * hidden;
    const std::int64_t send = std::max(tokens_max * dispatch, experts * tokens_max * combine);
    const std::int64_t receive = experts * tokens_max * std::max(dispatch, combine);
    const std::int64_t signals = ceil_div(experts * k_signal_bytes, k_alignment) * k_alignment;
    const std::int64_t total = k_halves * (send + receive + signals);
    // The library goes to the next multiple even from an aligned size.
    return Bytes((total / k_alignment + 1) * k_alignment);
}

NormalBuffers normal_buffers(std::int64_t hidden, std::int64_t ranks, std::int64_t sms) {
    const std::int64_t channels = sms / 2;
    const std::int64_t peers = std::min(ranks, k_ranks_per_node);
    const std::int64_t nodes = std::max<std::int64_t>(ranks / k_ranks_per_node, 1);
    const std::int64_t hidden_bytes = k_wide_bytes * hidden;
    const ReceiveSlots slots = receive_slots(ranks);
    NormalBuffers out;
    out.nvlink = Bytes(channels * peers * slots.nvlink * (hidden_bytes + k_slot_extra) +
                       channels * peers * (2 * nodes + 3) * 4);
    if (slots.rdma > 0) {
        out.rdma = Bytes(2 * channels * nodes * slots.rdma * (hidden_bytes + k_rdma_slot_extra) +
                         channels * nodes * 18 * 8);
    }
    return out;
}

}  // namespace replayd
