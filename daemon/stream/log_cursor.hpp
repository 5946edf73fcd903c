#pragma once
// Reads the arrivals of a stream's log in order, for runs that are rebuilt by themselves beside those of the stream.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "daemon/stream/batch_feed.hpp"
#include "replay/sim/arrival_store.hpp"

namespace replayd::stream {

/// Between two arrivals of a log.
struct LogPosition {
    std::uint64_t batches = 0;  ///< that lie behind
    std::size_t arrivals = 0;   ///< of the next one
};

class LogCursor {
public:
    /// `feed` must outlive the cursor.
    explicit LogCursor(BatchFeed& feed, LogPosition from = {}) : feed_(&feed), position_(from) {}

    struct Piece {
        std::span<const Arrival> arrivals;  ///< until the next call
        VirtualTime watermark;              ///< no later arrival is earlier; at most what was asked for
        bool complete = false;              ///< nothing before the time that was asked for is left
        ArrivalBatch batch{};               ///< whose `arrivals` are, from number `first` on; null where there are none
        std::size_t first = 0;
    };
    /// Up to `most` arrivals before `before`. Errors: those of the log, and `unavailable` where it does not go so far
    /// yet.
    [[nodiscard]] Result<Piece> next(VirtualTime before, std::size_t most);

    [[nodiscard]] LogPosition position() const { return position_; }

private:
    [[nodiscard]] Result<bool> load();

    BatchFeed* feed_;
    LogPosition position_;
    std::vector<FeedBatch> fetched_;
    std::size_t batch_ = 0;  ///< index into fetched_
};

}  // namespace replayd::stream
