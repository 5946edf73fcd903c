#pragma once
// What a run has done so far, for gauges, the API and the page. Written by the run's slices, read by any thread.

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "daemon/stream/distribution.hpp"
#include "replay/sim/residuals.hpp"
#include "replay/sim/run.hpp"
#include "storage/request_policy.hpp"

namespace replayd::stream {

enum class RunPhase { running, finished, failed, stopped };

/// A run has this scenario for everything that happens before `until`.
struct ForkedPart {
    std::shared_ptr<const CompiledScenario> compiled;
    VirtualTime until;
};

/// Immutable facts of a run.
struct RunIdentity {
    std::int64_t id = 0;
    std::string stream;
    std::string scenario;
    std::string scenario_toml;
    std::int64_t created_ms = 0;
    std::shared_ptr<const CompiledScenario> compiled;  ///< null when the scenario no longer compiles
    /// Of a fork: whose scenarios the run has before its own, in order, each up to a virtual time.
    std::vector<ForkedPart> before{};
    std::int64_t forked_from = 0;  ///< run that it is up to `forked_at`; 0: none
    VirtualTime forked_at{};       ///< with forked_from
    storage::RequestPolicy request_rows{};  ///< its stream's
};

/// A copy of everything, consistent in itself.
struct RunStatus {
    /// `scenario` as RequestDistributions.
    explicit RunStatus(const Scenario* scenario) : requests(scenario) {}

    RunPhase phase = RunPhase::running;
    std::string failure;           ///< with phase failed
    std::string hash;              ///< with phase finished
    std::int64_t finished_ms = 0;  ///< with phase finished or failed
    RunSnapshot snapshot;
    std::int64_t consumed_arrivals = 0;
    double speedup = 0;                ///< virtual seconds per wall second over the last 5 s of work
    std::int64_t within_slo = 0;       ///< of the finished requests in closed windows
    std::int64_t window_finished = 0;  ///< finished requests in closed windows
    Histogram ttft;                    ///< over all closed windows
    Histogram tpot;
    Histogram e2e;
    Histogram queue;
    RequestDistributions requests;
    std::int64_t request_rows_left_out = 0;  ///< by the stream's policy
    std::shared_ptr<const WindowRecord> last_window;     ///< null before the first
    std::shared_ptr<const WindowRecord> last_latencies;  ///< last window with a TTFT sample; null before it
    std::shared_ptr<const WindowRecord> last_busy;       ///< last window at whose end requests run; null before it
    std::shared_ptr<const ResidualWindow> last_residuals;  ///< last closed window of residuals; null before the first
};

class RunProgress {
public:
    /// `scenario` as RequestDistributions.
    explicit RunProgress(const Scenario* scenario) : status_(scenario) {}

    /// Requests that ended.
    void add_requests(std::span<const RequestRecord> records);
    /// How many of them have got no row so far.
    void set_left_out(std::int64_t requests);
    void add_window(std::shared_ptr<const WindowRecord> window);
    void add_residuals(std::shared_ptr<const ResidualWindow> window);
    /// At the end of a slice.
    void set_snapshot(const RunSnapshot& snapshot, std::int64_t consumed_arrivals,
                      std::chrono::steady_clock::time_point now);
    void set_finished(std::string hash, std::int64_t finished_ms);
    void set_failed(std::string failure, std::int64_t finished_ms);
    void set_stopped(std::int64_t finished_ms);

    [[nodiscard]] RunStatus status() const;
    [[nodiscard]] RunPhase phase() const;
    [[nodiscard]] std::int64_t consumed_arrivals() const;
    [[nodiscard]] std::int64_t finished_ms() const;  ///< 0 while running
    [[nodiscard]] VirtualTime now() const;

private:
    struct SpeedSample {
        std::chrono::steady_clock::time_point wall;
        VirtualTime virtual_time;
    };
    void sample_speed(std::chrono::steady_clock::time_point now);

    mutable std::mutex mutex_;
    RunStatus status_;
    std::deque<SpeedSample> samples_;
};

}  // namespace replayd::stream
