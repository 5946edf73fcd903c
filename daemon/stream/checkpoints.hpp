#pragma once
// Copies of runs at moments that lie behind, so that going back to one need not replay the log from its beginning. Any
// thread.

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "daemon/stream/log_cursor.hpp"
#include "replay/sim/run.hpp"

namespace replayd::stream {

/// A run right before `at`, and where its log goes on.
struct Checkpoint {
    VirtualTime at;
    LogPosition position;
    std::int64_t arrivals = 0;    ///< that it was offered
    std::size_t parts_done = 0;   ///< of RunIdentity::before
    std::shared_ptr<const Run> run;
};

class Checkpoints {
public:
    static constexpr std::size_t k_per_run_max = 16;
    static constexpr std::size_t k_runs_max = 4;
    /// Estimated; the runs that were asked for longest ago go first.
    static constexpr std::size_t k_bytes_max = 256u << 20;
    /// Arrivals between two checkpoints of a run at first; twice as many whenever they have become too many.
    static constexpr std::int64_t k_stride = 16'384;

    /// The newest one of the run not after `at`.
    [[nodiscard]] std::optional<Checkpoint> latest(std::int64_t run, VirtualTime at);
    /// Whether one at so many arrivals would be kept.
    [[nodiscard]] bool wants(std::int64_t run, std::int64_t arrivals) const;
    void keep(std::int64_t run, Checkpoint checkpoint);

private:
    struct OfRun {
        std::int64_t run = 0;
        std::int64_t stride = k_stride;
        std::vector<Checkpoint> kept;  ///< by arrivals, ascending
        [[nodiscard]] std::size_t bytes() const;
    };
    static void thin(OfRun& of);
    [[nodiscard]] std::size_t bytes() const;

    mutable std::mutex mutex_;
    std::list<OfRun> runs_;  ///< asked for last first
};

}  // namespace replayd::stream
