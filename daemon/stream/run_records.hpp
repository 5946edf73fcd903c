#pragma once
// What becomes of the records of a run: its progress and the observer hear of them at once, the history gets those that
// the stream's policy keeps in chunks, and drift alarms are logged. Of the run's slices only.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/stream/observer.hpp"
#include "daemon/stream/run_progress.hpp"
#include "replay/sim/residuals.hpp"
#include "replay/sim/run.hpp"
#include "storage/history.hpp"

namespace replayd::stream {

class RunRecords final : public RecordSink {
public:
    /// All must outlive it.
    RunRecords(const RunIdentity& run, RunProgress& progress, storage::History& history, Observer& observer);

    void on_request(RequestRecord&& record) override;
    void on_window(WindowRecord&& window) override;
    /// Passes on what has been collected.
    void flush();
    /// No request follows.
    void finish();
    /// Requests that got no row.
    [[nodiscard]] std::int64_t left_out() const { return left_out_; }

private:
    void keep_rows();
    void take(std::optional<ResidualWindow> window);
    void tell_alarms(const ResidualWindow& window);

    const RunIdentity& run_;
    RunProgress& progress_;
    storage::History& history_;
    Observer& observer_;
    std::optional<SloClasses> classes_;  ///< nothing where the scenario no longer compiles, and nothing is computed
    std::int64_t left_out_ = 0;
    ResidualTracker residuals_;
    const std::size_t chunk_records_;
    std::array<bool, k_residual_metrics> alarms_{};
    std::vector<RequestRecord> requests_;
    std::size_t requests_expected_ = 1;  ///< as many as in the chunk before
    std::vector<WindowRecord> windows_;
};

}  // namespace replayd::stream
