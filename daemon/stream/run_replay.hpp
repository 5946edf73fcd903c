#pragma once
// A run rebuilt from its stream's log, by itself and reporting to nobody: what it was at moments that lie behind.

#include <memory>

#include "daemon/stream/checkpoints.hpp"
#include "daemon/stream/log_cursor.hpp"
#include "daemon/stream/run_progress.hpp"

namespace replayd::stream {

class RunReplay {
public:
    /// From the beginning. `feed` must outlive it; `identity.compiled` is not null.
    RunReplay(RunIdentity identity, BatchFeed& feed);
    /// From a checkpoint of the same run.
    RunReplay(RunIdentity identity, BatchFeed& feed, const Checkpoint& from);

    /// Goes on by a few hundred arrivals, at most to `to`; true when it is there. Errors: those of LogCursor::next, of
    /// Run::fork.
    [[nodiscard]] Result<bool> step(VirtualTime to);

    [[nodiscard]] const Run& run() const { return run_; }
    [[nodiscard]] std::int64_t arrivals() const { return arrivals_; }
    [[nodiscard]] Checkpoint checkpoint() const;

private:
    const RunIdentity identity_;
    LogCursor log_;
    std::int64_t arrivals_ = 0;
    std::size_t parts_done_ = 0;
    Run run_;
};

/// The scenario that the run has after `parts_done` of its parts.
[[nodiscard]] const std::shared_ptr<const CompiledScenario>& scenario_after(const RunIdentity& run,
                                                                            std::size_t parts_done);
/// Where it takes the next one, if it does before `to`; else `to`.
[[nodiscard]] VirtualTime next_change(const RunIdentity& run, std::size_t parts_done, VirtualTime to);

}  // namespace replayd::stream
