#include "daemon/replayctl/scenario_replay.hpp"

#include <algorithm>
#include <utility>

#include "daemon/replayctl/record_csv.hpp"

namespace replayd::ctl {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t k_chunk_records = 1000;  // rows that one queue entry of the history carries

}  // namespace

ScenarioReplay::ScenarioReplay(std::shared_ptr<const CompiledScenario> scenario, CsvWish wish, RunOptions options)
    : scenario_(std::move(scenario)), wish_(wish), run_(scenario_, *this, options) {}

void ScenarioReplay::record_in(storage::History& history, std::int64_t run_id) {
    history_ = &history;
    run_id_ = run_id;
}

void ScenarioReplay::take(std::span<const Arrival> arrivals) {
    const auto start = Clock::now();
    for (const Arrival& arrival : arrivals) run_.offer(arrival);
    if (!arrivals.empty()) run_.advance(arrivals.back().at);
    wall_ += Clock::now() - start;
    pass_on();
}

void ScenarioReplay::finish() {
    const auto start = Clock::now();
    run_.finish();
    wall_ += Clock::now() - start;
    pass_on();
}

CsvText ScenarioReplay::take_csv() { return std::exchange(csv_, {}); }

void ScenarioReplay::on_request(RequestRecord&& record) {
    if (wish_.requests) append_request(csv_.requests, scenario().name, record);
    if (history_ == nullptr) return;
    requests_.push_back(std::move(record));
    if (requests_.size() >= k_chunk_records) pass_on();
}

void ScenarioReplay::on_window(WindowRecord&& window) {
    if (wish_.windows) append_window(csv_.windows, scenario().name, window);
    whole_.within_slo += window.within_slo;
    whole_.finished += window.finished;
    whole_.ttft.merge(window.ttft);
    whole_.tpot.merge(window.tpot);
    whole_.e2e.merge(window.e2e);
    if (window.kv_blocks_total > 0) {
        kv_usage_peak_ = std::max(kv_usage_peak_, static_cast<double>(window.kv_blocks_used) /
                                                      static_cast<double>(window.kv_blocks_total));
    }
    if (history_ != nullptr) windows_.push_back(std::move(window));
}

void ScenarioReplay::on_batch(BatchRecord&& batch) {
    if (wish_.batches) append_batch(csv_.batches, batch);
    if (wish_.tokens) append_tokens(csv_.tokens, batch);
}

void ScenarioReplay::pass_on() {
    if (history_ == nullptr) return;
    history_->add_requests(run_id_, std::exchange(requests_, {}));
    history_->add_window(run_id_, std::exchange(windows_, {}));
}

}  // namespace replayd::ctl
