#include "tests/trust/simulation/canary.hpp"

#include <map>
#include <utility>

namespace replayd::trust {
namespace {

/// Passes everything on, batches with the defect.
class FlawedHistory final : public storage::History {
public:
    FlawedHistory(storage::SteppedHistory& history, Canary canary) : history_(history), canary_(canary) {}

    Result<storage::StreamRow> add_stream(const storage::StreamRow& stream) override {
        return history_.add_stream(stream);
    }
    Result<storage::AddedStream> add_stream_with_runs(const storage::StreamRow& stream,
                                                      const std::vector<storage::NewRun>& runs) override {
        return history_.add_stream_with_runs(stream, runs);
    }
    Result<void> update_stream(const storage::StreamRow& stream) override { return history_.update_stream(stream); }
    Result<storage::RunRow> add_run(const storage::RunRow& run, const std::vector<MemoryPlan>& plans,
                                    const Scenario& scenario) override {
        return history_.add_run(run, plans, scenario);
    }
    void append_batch(std::int64_t stream_id, storage::LoggedBatch batch,
                      std::function<void(Result<void>)> done) override {
        if (canary_ == Canary::early_ack) {
            done({});
            return history_.append_batch(stream_id, std::move(batch), [](Result<void>) {});
        }
        const bool lost = canary_ == Canary::lossy_writer && ++batches_ % 7 == 0 && before_.contains(stream_id);
        if (!lost) before_[stream_id] = batch;
        history_.append_batch(stream_id, before_[stream_id], std::move(done));
    }
    void add_requests(std::int64_t run_id, std::vector<RequestRecord> records) override {
        history_.add_requests(run_id, std::move(records));
    }
    void add_window(std::int64_t run_id, std::vector<WindowRecord> windows) override {
        history_.add_window(run_id, std::move(windows));
    }
    void add_residuals(std::int64_t run_id, std::vector<ResidualWindow> windows) override {
        history_.add_residuals(run_id, std::move(windows));
    }
    void finish_run(std::int64_t run_id, storage::RunTotals totals, std::function<void(Result<void>)> done) override {
        history_.finish_run(run_id, std::move(totals), std::move(done));
    }
    void refuse_rows() override { history_.refuse_rows(); }
    void probe(std::function<void()> answered) override { history_.probe(std::move(answered)); }
    Result<std::vector<storage::StreamRow>> streams() override { return history_.streams(); }
    Result<std::vector<storage::RunRow>> unfinished_runs(std::int64_t stream_id) override {
        return history_.unfinished_runs(stream_id);
    }
    Result<std::vector<storage::LoggedBatch>> batches(std::int64_t stream_id, std::uint64_t from,
                                                      std::size_t limit) override {
        return history_.batches(stream_id, from, limit);
    }
    Result<void> flush() override { return history_.flush(); }
    storage::HistoryCounters counters() const override { return history_.counters(); }
    std::optional<Error> trouble() const override { return history_.trouble(); }

private:
    storage::SteppedHistory& history_;
    const Canary canary_;
    std::int64_t batches_ = 0;
    std::map<std::int64_t, storage::LoggedBatch> before_;  ///< the latest batch of each stream
};

}  // namespace

std::unique_ptr<storage::History> with_canary(storage::SteppedHistory& history, Canary canary) {
    return std::make_unique<FlawedHistory>(history, canary);
}

}  // namespace replayd::trust
