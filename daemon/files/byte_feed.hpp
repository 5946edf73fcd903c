#pragma once
// Where the text of a trace comes from, a piece at a time. For the .cpp files of this folder.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "daemon/files/decoder.hpp"
#include "daemon/files/trace_file.hpp"

namespace replayd::files {

enum class FeedState {
    more,     ///< ask again
    waiting,  ///< nothing at the moment
    ended,    ///< nothing will follow
    stopped,  ///< nothing will follow from here, though the trace goes on: a last line may be half of one
};

class ByteFeed {
public:
    virtual ~ByteFeed() = default;
    /// Hands over what one read gives, decompressed. Errors: `io`, `invalid_argument` for damaged data, those of
    /// `on_bytes`.
    [[nodiscard]] virtual Result<FeedState> feed(const OnBytes& on_bytes) = 0;
    [[nodiscard]] virtual std::uint64_t bytes_read() const = 0;
    /// Absent where the end is not known.
    [[nodiscard]] virtual std::optional<std::uint64_t> bytes_total() const = 0;
};

/// Files one after the other, as TraceFile::follow says.
[[nodiscard]] std::unique_ptr<ByteFeed> followed_files(FollowOptions options);

}  // namespace replayd::files
