#pragma once
// Runs at moments that lie behind: what their replicas held then, and where two of them first differ. Rebuilt on the
// engine's threads, in slices beside the runs; those are not touched.

#include <memory>
#include <optional>

#include "daemon/stream/checkpoints.hpp"
#include "daemon/stream/run_difference.hpp"
#include "daemon/stream/stream.hpp"
#include "replay/sim/moment.hpp"

namespace replayd::stream {

/// Requests that a moment lists of each queue and batch unless more are asked for, and at most.
inline constexpr std::int64_t k_listed = 100;
inline constexpr std::int64_t k_listed_max = 100'000;

struct TravelledMoment {
    Moment moment;
    std::optional<VirtualTime> replayed_from;  ///< a checkpoint; absent: the run as it is now, nothing was replayed
};

/// The run right before `at`. It blocks until the log is replayed up to there: for the task pool. Errors: `unavailable`
/// (it took longer than half a minute; what was done is kept, asking again goes on from there), those of the log.
[[nodiscard]] Result<TravelledMoment> moment_of(Stream& stream, const RunIdentity& run, VirtualTime at,
                                                std::size_t listed, Checkpoints& checkpoints);
/// A run of this process as it is now; blocks for a slice of it. Error `failed_state` when it failed to start.
[[nodiscard]] Result<TravelledMoment> moment_now(Stream& stream, const std::shared_ptr<RunWorker>& run,
                                                 std::size_t listed);

/// Where two runs of the stream first differ, up to `until`, or to the end of both when `until` is absent and the
/// stream has ended. Blocks; errors as moment_of.
[[nodiscard]] Result<RunsDifference> difference_of(Stream& stream, const RunIdentity& a, const RunIdentity& b,
                                                   std::optional<VirtualTime> until);

}  // namespace replayd::stream
