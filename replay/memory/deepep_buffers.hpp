#pragma once
// Communication buffers of DeepEP, the library that moves tokens between expert ranks.
// Source: deepseek-ai/DeepEP at dd758ca, csrc/legacy/config.hpp.

#include <cstdint>

#include "replay/base/units.hpp"

namespace replayd {

/// Tokens per rank that low-latency mode is set up for, from the sequences of a step: at least 64, then 128, then
/// multiples of 128 (rtp-llm; smaller masked groups gave wrong results). `draft_tokens` are verified beside each
/// sequence's own; a tensor rank sends its share.
[[nodiscard]] std::int64_t low_latency_tokens_max(std::int64_t sequences, std::int64_t draft_tokens,
                                                  std::int64_t tensor);

/// RDMA buffer of low-latency mode on every rank: two halves of send, receive and signal areas. `experts` counts all
/// physical experts of the group; the size does not depend on the number of ranks.
[[nodiscard]] Bytes low_latency_buffer(std::int64_t hidden, std::int64_t experts, std::int64_t tokens_max);

struct NormalBuffers {
    Bytes nvlink{0};
    Bytes rdma{0};  ///< 0 inside one node of 8
};

/// Buffers of normal mode for `ranks` expert ranks, 8 to a node, with `sms` streaming multiprocessors for
/// communication (default 20) and 16-bit hidden states of `hidden` values.
[[nodiscard]] NormalBuffers normal_buffers(std::int64_t hidden, std::int64_t ranks, std::int64_t sms = 20);

}  // namespace replayd
