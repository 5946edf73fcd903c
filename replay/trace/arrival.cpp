#include "replay/trace/arrival.hpp"

#include <limits>

namespace replayd {
namespace {

constexpr std::int64_t k_tokens_max = std::numeric_limits<std::int32_t>::max();

std::optional<std::string> token_violation(const char* field, Tokens tokens) {
    if (tokens.value >= 1 && tokens.value <= k_tokens_max) return std::nullopt;
    return std::string(field) + " is " + std::to_string(tokens.value) + ": expected 1 to " +
           std::to_string(k_tokens_max);
}

}  // namespace

std::optional<std::string> violation(const Arrival& arrival) {
    if (arrival.id.empty()) return "id is empty: expected the request's id";
    if (arrival.at.ns < 0) {
        return "arrival_ns is " + std::to_string(arrival.at.ns) + ": expected 0 or more";
    }
    if (auto found = token_violation("prompt_tokens", arrival.prompt)) return found;
    if (auto found = token_violation("output_tokens", arrival.output)) return found;
    if (arrival.prefix_block.value < 0 || arrival.prefix_block.value > k_tokens_max) {
        return "prefix_block_tokens is " + std::to_string(arrival.prefix_block.value) + ": expected 0 to " +
               std::to_string(k_tokens_max);
    }
    if (arrival.prefix_hashes.empty()) return std::nullopt;
    if (arrival.prefix_block.value == 0) {
        return "prefix_hashes has " + std::to_string(arrival.prefix_hashes.size()) +
               " entries but prefix_block_tokens is 0: expected the block size of the hashes";
    }
    const std::int64_t blocks = ceil_div(arrival.prompt.value, arrival.prefix_block.value);
    if (static_cast<std::int64_t>(arrival.prefix_hashes.size()) > blocks) {
        return "prefix_hashes has " + std::to_string(arrival.prefix_hashes.size()) + " entries: expected at most " +
               std::to_string(blocks) + " for " + std::to_string(arrival.prompt.value) +
               " prompt tokens in blocks of " + std::to_string(arrival.prefix_block.value);
    }
    return std::nullopt;
}

}  // namespace replayd
