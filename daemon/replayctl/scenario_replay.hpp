#pragma once
// One scenario that replays a trace in this process: collects what a summary, the history and CSV files need.

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "replay/sim/run.hpp"
#include "storage/history.hpp"

namespace replayd::ctl {

/// Text to be appended to CSV files.
struct CsvText {
    std::string requests;
    std::string windows;
    std::string batches;
    std::string tokens;
};

struct CsvWish {
    bool requests = false;
    bool windows = false;
    bool batches = false;
    bool tokens = false;
};

/// One thread at a time.
class ScenarioReplay final : public RecordSink {
public:
    ScenarioReplay(std::shared_ptr<const CompiledScenario> scenario, CsvWish wish, RunOptions options);

    /// Records go to this run of `history` from now on, which must outlive the replay.
    void record_in(storage::History& history, std::int64_t run_id);

    /// Offers the arrivals, which continue those before, and advances to the last of them.
    void take(std::span<const Arrival> arrivals);
    /// No arrival follows: runs to the end.
    void finish();

    /// The CSV lines of the records since the last call.
    [[nodiscard]] CsvText take_csv();

    [[nodiscard]] const Scenario& scenario() const { return scenario_->scenario; }
    [[nodiscard]] const CompiledScenario& compiled() const { return *scenario_; }
    [[nodiscard]] std::int64_t run_id() const { return run_id_; }  ///< 0: not recorded
    [[nodiscard]] RunSnapshot snapshot() const { return run_.snapshot(); }
    [[nodiscard]] StateHash hash() const { return run_.hash(); }
    /// Of the windows so far: finished requests, those within the objectives, and the histograms of TTFT, TPOT, E2E.
    [[nodiscard]] const WindowRecord& whole() const { return whole_; }
    /// Largest share of KV blocks in use at the end of a window, 0 to 1.
    [[nodiscard]] double kv_usage_peak() const { return kv_usage_peak_; }
    /// Wall time spent in `take` and `finish`.
    [[nodiscard]] std::chrono::nanoseconds wall() const { return wall_; }

    void on_request(RequestRecord&& record) override;
    void on_window(WindowRecord&& window) override;
    [[nodiscard]] bool wants_batches() const override { return wish_.batches || wish_.tokens; }
    void on_batch(BatchRecord&& batch) override;

private:
    void pass_on();

    std::shared_ptr<const CompiledScenario> scenario_;
    CsvWish wish_;
    CsvText csv_;
    WindowRecord whole_;
    double kv_usage_peak_ = 0;
    std::chrono::nanoseconds wall_{0};
    storage::History* history_ = nullptr;
    std::int64_t run_id_ = 0;
    std::vector<RequestRecord> requests_;  ///< on their way to the history
    std::vector<WindowRecord> windows_;
    Run run_;  ///< last: it is made with this object as its sink
};

}  // namespace replayd::ctl
