#pragma once
// One request of a trace, as every trace format and the ingest protocol deliver it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "replay/base/units.hpp"

namespace replayd {

struct Arrival {
    std::string id;                  ///< the sender's request id; unique inside a stream
    VirtualTime at;                  ///< nanoseconds since the stream's epoch, never decreasing in a stream
    Tokens prompt{0};                ///< prompt tokens, >= 1
    Tokens output{0};                ///< output tokens, >= 1
    std::string conversation;        ///< groups turns of one session; empty if unknown
    std::vector<std::uint64_t> prefix_hashes;  ///< i-th hash covers the prompt up to the end of block i
    Tokens prefix_block{0};          ///< tokens per hashed block; 0 when there are no hashes
    std::string slo_class;           ///< empty for the default class
    std::string model;               ///< model that served it in production; empty if unknown
    std::optional<Duration> observed_ttft;  ///< what production measured, if it was recorded
    std::optional<Duration> observed_e2e;
    std::optional<Duration> observed_tpot;  ///< mean gap between output tokens; absent: as the other two say
    std::optional<Tokens> observed_cached;  ///< prompt tokens that the server found in its prefix cache

    bool operator==(const Arrival&) const = default;
};

/// Checks what every run relies on: id not empty, `at` >= 0, prompt and output >= 1 and <= 2^31-1,
/// hashes only together with a block size and no more of them than ceil(prompt / prefix_block).
/// Returns the text of the first violation ("prompt_tokens is 0: expected 1 or more"), or nothing.
[[nodiscard]] std::optional<std::string> violation(const Arrival& arrival);

}  // namespace replayd
