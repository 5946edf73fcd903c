#pragma once
// A replay written into a history as the daemon would write it: a stream with its log of arrivals, and a run per
// scenario.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "daemon/protocol/messages.hpp"
#include "daemon/replayctl/scenario_replay.hpp"
#include "daemon/stream/scenario_library.hpp"
#include "storage/history.hpp"

namespace replayd::ctl {

class Recording {
public:
    /// Opens or creates the history and adds a stream. Its name is `wanted_name`, which must be free, or else made
    /// from the name of the trace file, with a number behind it where that is taken. Errors of the history.
    [[nodiscard]] static Result<std::unique_ptr<Recording>> open(const std::string& path,
                                                                 const std::string& wanted_name,
                                                                 const std::string& trace_path);

    /// Adds a run for the replay, which records into it from now on.
    [[nodiscard]] Result<void> add_run(const stream::LibraryScenario& scenario, ScenarioReplay& replay);

    /// Logs the next arrivals (1 to the protocol's limit of a batch) and hands them back. Error `invalid_argument`
    /// or `too_large` for an arrival that the ingest protocol does not carry, those of earlier commits.
    [[nodiscard]] Result<std::vector<Arrival>> log(std::vector<Arrival> arrivals);

    /// Ends the stream and its runs and waits until all of it is durable.
    [[nodiscard]] Result<void> finish(const std::vector<std::unique_ptr<ScenarioReplay>>& replays);
    /// The trace could not be read to its end: the runs end as failed, with the reason.
    [[nodiscard]] Result<void> abandon(const std::vector<std::unique_ptr<ScenarioReplay>>& replays,
                                       const std::string& reason);

    [[nodiscard]] const std::string& stream() const { return stream_.name; }

private:
    /// Trouble of commits, which are reported on the writer's thread.
    struct Trouble {
        std::mutex mutex;
        std::optional<Error> first;
    };

    Recording(std::unique_ptr<storage::History> history, storage::StreamRow stream)
        : history_(std::move(history)), stream_(std::move(stream)) {}
    [[nodiscard]] Result<void> end(const std::vector<std::unique_ptr<ScenarioReplay>>& replays,
                                   storage::RunState state, const std::string& failure);
    [[nodiscard]] std::function<void(Result<void>)> keep_trouble();
    [[nodiscard]] Result<void> trouble() const;

    std::shared_ptr<Trouble> trouble_ = std::make_shared<Trouble>();
    std::unique_ptr<storage::History> history_;
    storage::StreamRow stream_;
    std::uint64_t seq_ = 0;  ///< of the last logged batch
};

}  // namespace replayd::ctl
