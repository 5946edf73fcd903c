#pragma once
// What a stream's log does not take of its clients, and why. Pure functions.

#include <cstdint>
#include <optional>
#include <string_view>

#include "daemon/protocol/messages.hpp"
#include "replay/base/error.hpp"

namespace replayd::stream {

/// Latest arrival time and watermark that a stream takes: 2^62 ns, about 146 years, so that no sum of it with a
/// duration overflows.
inline constexpr VirtualTime k_virtual_time_max{std::int64_t{1} << 62};

/// Why a client's message was not taken, ready to be sent, and the close code that follows it.
struct Refusal {
    protocol::Failure failure;
    std::uint16_t close_code = 0;
};
[[nodiscard]] Refusal refusal_of(const Error& error, std::uint64_t seq);

/// Where the log of a stream ends.
struct LogTail {
    std::uint64_t seq = 0;  ///< of the last batch; 0: none
    std::int64_t arrivals = 0;
    VirtualTime watermark;
    bool ended = false;
};

/// Whether message `what` number `seq` may follow what was accepted; `stream` is its name, for messages.
[[nodiscard]] std::optional<Refusal> check_seq(std::uint64_t seq, const char* what, const LogTail& accepted,
                                               std::string_view stream);

/// Whether the batch may: its number and its times, and that it has no more arrivals than were `granted` in all.
[[nodiscard]] std::optional<Refusal> check_batch(const protocol::ArrivalBatch& batch, const LogTail& accepted,
                                                 std::int64_t granted, std::string_view stream);

}  // namespace replayd::stream
