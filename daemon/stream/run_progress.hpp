#pragma once
// What a run has done so far, for gauges, the API and the page. Written by the run's slices, read by any thread.

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "replay/sim/run.hpp"

namespace replayd::stream {

enum class RunPhase { running, finished, failed };

/// Immutable facts of a run.
struct RunIdentity {
    std::int64_t id = 0;
    std::string stream;
    std::string scenario;
    std::string scenario_toml;
    std::int64_t created_ms = 0;
    std::shared_ptr<const CompiledScenario> compiled;  ///< null when the scenario no longer compiles
};

/// vLLM's bucket edges in seconds, vllm/v1/metrics/loggers.py.
inline constexpr std::array<double, 22> k_ttft_edges_s = {
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560};
inline constexpr std::array<double, 19> k_tpot_edges_s = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
                                                          0.75, 1,     2.5,  5,     7.5, 10,   20,  40,  80};

/// Counts of observations up to each edge (and beyond the last), with their sum.
struct Distribution {
    explicit Distribution(std::span<const double> edges);
    void observe(double seconds);

    std::vector<double> edges;         ///< upper, inclusive, rising
    std::vector<std::int64_t> counts;  ///< one more than edges
    double sum = 0;
};

/// A copy of everything, consistent in itself.
struct RunStatus {
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
    Distribution ttft_distribution{k_ttft_edges_s};
    Distribution tpot_distribution{k_tpot_edges_s};
    std::shared_ptr<const WindowRecord> last_window;     ///< null before the first
    std::shared_ptr<const WindowRecord> last_latencies;  ///< last window with a TTFT sample; null before it
};

class RunProgress {
public:
    void add_request(const RequestRecord& record);
    void add_window(std::shared_ptr<const WindowRecord> window);
    /// At the end of a slice.
    void set_snapshot(const RunSnapshot& snapshot, std::int64_t consumed_arrivals,
                      std::chrono::steady_clock::time_point now);
    void set_finished(std::string hash, std::int64_t finished_ms);
    void set_failed(std::string failure, std::int64_t finished_ms);

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
