#pragma once
// The one table that maps an error's Code to what clients see: protocol code string, HTTP status, websocket
// close code. Documented in proto/README.md.

#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/protocol/messages.hpp"
#include "replay/base/error.hpp"

namespace replayd::protocol {

// Close codes. 1000–1015: RFC 6455 section 7.4.1 and the IANA registry; 4000–4999 are private (section 7.4.2):
// ours are 4000 + the HTTP status that means the same.
inline constexpr std::uint16_t k_close_done = 1000;
inline constexpr std::uint16_t k_close_going_away = 1001;
inline constexpr std::uint16_t k_close_too_big = 1009;
inline constexpr std::uint16_t k_close_internal = 1011;
inline constexpr std::uint16_t k_close_try_later = 1013;
inline constexpr std::uint16_t k_close_invalid = 4400;
inline constexpr std::uint16_t k_close_not_found = 4404;
inline constexpr std::uint16_t k_close_conflict = 4409;
inline constexpr std::uint16_t k_close_over_credit = 4429;

/// What clients see of one kind of error.
struct CodeFacts {
    std::string_view name;          ///< "invalid_argument", in Failure.code and problem details
    unsigned http_status = 500;
    std::uint16_t close_code = k_close_internal;
};

/// The table's row of `code`.
[[nodiscard]] CodeFacts facts(Code code);

/// Troubles that only the ingest protocol knows: more exact than a Code.
struct Refusal {
    std::string_view name;  ///< in Failure.code
    std::uint16_t close_code;
};
inline constexpr Refusal k_sequence_gap{"sequence_gap", k_close_conflict};
inline constexpr Refusal k_over_credit{"over_credit", k_close_over_credit};
inline constexpr Refusal k_draining{"draining", k_close_going_away};

/// The Failure that tells `error` to a client; `seq` names the batch at fault, 0 if none.
[[nodiscard]] Failure failure_of(const Error& error, std::uint64_t seq = 0);

}  // namespace replayd::protocol
