#pragma once
// All streams of the daemon: created over HTTP, from the configuration or by a hello, and rebuilt from the
// history at start. Any thread.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/stream/checkpoints.hpp"
#include "daemon/stream/run_identity.hpp"
#include "daemon/stream/scenario_library.hpp"
#include "daemon/stream/stream.hpp"
#include "storage/query.hpp"

namespace replayd::stream {

struct NewStream {
    std::string name;
    std::vector<std::string> scenarios;
    double speed = 0;
    std::string traced_system;  ///< JSON; empty if unknown
    std::string request_rows;   ///< a storage::RequestPolicy; empty: all
};

class StreamRegistry {
public:
    StreamRegistry(ScenarioLibrary& library, StreamContext context, std::string engine_version)
        : library_(library), context_(context), engine_version_(std::move(engine_version)) {}

    /// From now on no stream is created while so many have not finished. Any thread.
    void limit_streams(std::size_t most) { streams_max_.store(most); }

    /// Rebuilds every stream of the history; unfinished runs replay its log from the start. Once, before anything
    /// else. Error: the history cannot be read.
    [[nodiscard]] Result<void> recover(storage::Reader& reader);

    /// Blocks until committed: not for the io thread. Errors: `invalid_argument` (name, speed, no or invalid
    /// scenarios), `unavailable` (as many streams as are allowed), `already_exists`, `not_found` (scenario), those of
    /// the history.
    [[nodiscard]] Result<std::shared_ptr<Stream>> create(const NewStream& wanted);
    /// The stream of this name, else as `create`. For hellos.
    [[nodiscard]] Result<std::shared_ptr<Stream>> find_or_create(const NewStream& wanted);

    // These block until committed: not for the io thread.
    /// Adds a run of `scenario` to a stream that may have begun, or ended: it catches up from the log. Errors:
    /// `not_found` (stream, scenario), `unavailable` (too many runs are active), those of the history.
    [[nodiscard]] Result<std::shared_ptr<RunWorker>> add_run(std::string_view stream, std::string_view scenario);
    /// Adds a run that is `wanted.parent` up to a moment and goes on under another scenario. Errors: as above, and
    /// `invalid_argument` for a moment that the run has not come to, and for what cannot change in flight (Run::fork).
    [[nodiscard]] Result<std::shared_ptr<RunWorker>> fork_run(const storage::RunInfo& parent, std::string_view scenario,
                                                              std::optional<VirtualTime> at, storage::Reader& reader);
    /// Takes part in a stream that another process opened: an empty one without runs, which the shared log fills.
    /// Errors: `unavailable` (being taken out of the history), those of the history.
    [[nodiscard]] Result<std::shared_ptr<Stream>> join(const Opening& opening);
    /// As `add_run`, for a scenario of a shared stream, whose text came with it.
    [[nodiscard]] Result<std::shared_ptr<RunWorker>> add_shared_run(Stream& stream, const SharedScenario& scenario);
    /// Ends a run as stopped. Errors: `failed_state` when it is over, or no run of this process.
    [[nodiscard]] Result<void> stop_run(std::int64_t run_id);

    /// Forgets a stream that is over, so that its rows may go; nobody gets its name until `free_name`. False: it is not
    /// over.
    [[nodiscard]] bool retire(const std::string& name);
    /// The rows of a retired stream are gone: its name may be given out again.
    void free_name(const std::string& name);

    /// Null when there is none.
    [[nodiscard]] std::shared_ptr<Stream> lookup(std::string_view name) const;
    /// Error `not_found` with the nearest name.
    [[nodiscard]] Result<std::shared_ptr<Stream>> find(std::string_view name) const;
    /// Oldest first.
    [[nodiscard]] std::vector<std::shared_ptr<Stream>> all() const;
    /// The worker of a run that this process computes or computed; null otherwise.
    [[nodiscard]] std::shared_ptr<RunWorker> run(std::int64_t run_id) const;

    /// What the run is, for replaying it: also of one that is over. Error `invalid_argument`: its scenario is no longer
    /// valid.
    [[nodiscard]] Result<RunIdentity> identity(const storage::RunInfo& run, storage::Reader& reader) const;

    [[nodiscard]] ScenarioLibrary& scenarios() { return library_; }
    /// Of runs that were gone back in.
    [[nodiscard]] Checkpoints& checkpoints() { return checkpoints_; }
    /// Why arrivals of shared streams cannot be taken at the moment.
    [[nodiscard]] std::optional<Error> shared_trouble() const {
        return context_.shared == nullptr ? std::nullopt : context_.shared->trouble();
    }
    [[nodiscard]] const std::string& engine_version() const { return engine_version_; }

private:
    using Scenarios = std::vector<std::shared_ptr<const LibraryScenario>>;
    [[nodiscard]] Result<void> check_room() const;
    /// A stream to be created: its scenarios, and its policy as the row has it.
    struct Checked {
        Scenarios scenarios;
        std::string request_rows;
    };
    /// Without objectives nothing breaks one: the stream would keep no row of this scenario's finished requests.
    [[nodiscard]] static Result<void> check_objectives(const storage::RequestPolicy& policy,
                                                       const LibraryScenario& scenario);
    [[nodiscard]] Result<Checked> check(const NewStream& wanted) const;
    [[nodiscard]] Result<std::shared_ptr<Stream>> create_locked(const NewStream& wanted);
    [[nodiscard]] Result<std::shared_ptr<Stream>> create_shared(const NewStream& wanted, const Checked& checked);
    [[nodiscard]] Result<std::shared_ptr<Stream>> join_locked(const Opening& opening);
    [[nodiscard]] Result<void> check_retired(const std::string& name) const;
    [[nodiscard]] Result<void> recover_stream(const storage::StreamInfo& info, storage::Reader& reader);
    [[nodiscard]] Result<std::optional<VirtualTime>> first_watermark(const storage::StreamInfo& info) const;
    [[nodiscard]] ComposeText composer() const;
    [[nodiscard]] RunIdentity logged_identity(const storage::RunRow& row, const std::string& stream,
                                              storage::Reader& reader) const;
    [[nodiscard]] Result<std::shared_ptr<RunWorker>> add_to(Stream& stream, const LibraryScenario& scenario,
                                                            RunIdentity identity);
    void publish(const std::shared_ptr<Stream>& stream);

    ScenarioLibrary& library_;
    const StreamContext context_;
    const std::string engine_version_;
    Checkpoints checkpoints_;
    std::atomic<std::size_t> streams_max_{SIZE_MAX};
    std::mutex create_mutex_;  ///< held while a stream is created, so that a name is taken once
    std::set<std::string> retired_;  ///< names of streams whose rows are going; under create_mutex_
    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<Stream>> streams_;
    std::map<std::string, std::shared_ptr<Stream>, std::less<>> by_name_;
};

}  // namespace replayd::stream
