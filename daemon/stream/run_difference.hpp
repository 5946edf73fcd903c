#pragma once
// Two runs of one stream replayed from its log side by side, until they differ.

#include <optional>

#include "daemon/stream/log_cursor.hpp"
#include "daemon/stream/run_progress.hpp"
#include "replay/sim/first_difference.hpp"

namespace replayd::stream {

struct RunsDifference {
    std::optional<FirstDifference> first;  ///< absent: none up to `equal_until`
    VirtualTime equal_until;
};

class RunDifference {
public:
    /// Up to `until`, or to the end of both when `until` is absent and the stream has ended. `feed` must outlive it;
    /// the `compiled` of neither run is null.
    RunDifference(RunIdentity a, RunIdentity b, BatchFeed& feed, std::optional<VirtualTime> until);

    /// A few milliseconds of work; nothing: there is more to do. Errors: those of LogCursor::next, of Run::fork.
    [[nodiscard]] std::optional<Result<RunsDifference>> step();

private:
    [[nodiscard]] std::optional<Result<RunsDifference>> equal() const;
    [[nodiscard]] std::optional<Result<RunsDifference>> take_changes(VirtualTime at);

    const RunIdentity a_;
    const RunIdentity b_;
    const std::optional<VirtualTime> until_;
    LogCursor log_;
    DifferenceSearch search_;
    std::size_t arrivals_;  ///< that the next step takes
    std::size_t a_parts_ = 0;
    std::size_t b_parts_ = 0;
    bool found_ = false;
};

}  // namespace replayd::stream
