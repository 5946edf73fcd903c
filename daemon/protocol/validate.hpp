#pragma once
// What a client's message must satisfy beyond its types, the same for protobuf and JSON.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/protocol/messages.hpp"
#include "replay/base/error.hpp"

namespace replayd::protocol {

/// Why `name` cannot name a stream ("is empty: expected …", to be put after the field's name), or nothing.
[[nodiscard]] std::optional<std::string> stream_name_violation(std::string_view name);

/// `too_large` when a batch has more arrivals than the limit: decoders ask before they spend memory.
[[nodiscard]] std::optional<Error> arrival_count_violation(std::size_t arrivals);

/// The first violation, its message naming the field by path ("batch.arrivals[3].prompt_tokens is -4: …"):
/// `too_large` for a limit of limits.hpp, `invalid_argument` for everything else. O(size of the message).
[[nodiscard]] std::optional<Error> violation(const Hello& hello);
[[nodiscard]] std::optional<Error> violation(const ArrivalBatch& batch);
[[nodiscard]] std::optional<Error> violation(const End& end);

}  // namespace replayd::protocol
