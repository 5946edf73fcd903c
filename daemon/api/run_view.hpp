#pragma once
// A run as the API shows it, whether this process computes it or it is read from the history.

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/stream/stream_registry.hpp"
#include "storage/query.hpp"

namespace replayd::api {

struct RunView {
    std::int64_t id = 0;
    std::string stream;
    std::string scenario;
    std::string state;  ///< running, paused, finished, failed, stopped, interrupted
    std::int64_t created_ms = 0;
    std::int64_t finished_ms = 0;  ///< 0: not over
    std::string hash;              ///< empty: not finished
    std::string failure;           ///< with state failed
    std::int64_t forked_from = 0;  ///< 0: no fork
    VirtualTime forked_at;
    std::string request_rows;  ///< its stream's storage::RequestPolicy
    std::int64_t request_rows_left_out = 0;
    RunSnapshot snapshot;
    double speedup = 0;
    SloSpec slo;
    Duration window{0};
    std::int64_t within_slo = 0;
    std::int64_t window_finished = 0;  ///< finished requests that within_slo is of
    Histogram ttft;
    Histogram tpot;
    Histogram e2e;
    std::vector<storage::PoolInfo> pools;
};

/// A run of this process; `paused`: its stream is.
[[nodiscard]] RunView view_of(const stream::RunWorker& run, bool paused);
/// A run that no process computes, from its rows.
[[nodiscard]] Result<RunView> past_view(storage::Reader& reader, const storage::RunInfo& info);
[[nodiscard]] std::vector<storage::PoolInfo> pools_of(const Scenario& scenario);
[[nodiscard]] std::string_view role_name(PoolRole role);

/// Finds runs in the registry, else in the history; remembers past runs, which never change. Any thread.
class RunViews {
public:
    explicit RunViews(const stream::StreamRegistry& registry) : registry_(registry) {}

    /// The run of a row that the history gave.
    [[nodiscard]] Result<RunView> get(storage::Reader& reader, const storage::RunInfo& info);
    /// All runs of a stream in the order of their ids.
    [[nodiscard]] Result<std::vector<RunView>> of_stream(storage::Reader& reader, const stream::Stream& stream);

private:
    /// Past runs remembered at most; each holds three histograms, some 10 kB.
    static constexpr std::size_t k_remembered_max = 1000;

    const stream::StreamRegistry& registry_;
    std::mutex mutex_;
    std::map<std::int64_t, RunView> past_;
};

}  // namespace replayd::api
