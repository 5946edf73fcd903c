#include "daemon/replayctl/recording.hpp"

#include <filesystem>
#include <functional>
#include <set>
#include <utility>

#include "daemon/config/version.hpp"
#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/limits.hpp"
#include "daemon/protocol/validate.hpp"
#include "daemon/stream/clock.hpp"
#include "replay/base/assert.hpp"

namespace replayd::ctl {
namespace {

/// Batches between two waits for the disk, so that the queue of the history never fills.
constexpr std::uint64_t k_batches_between_flushes = 256;

/// The file's name with what a stream's name may not hold replaced by '-'.
std::string name_from(const std::string& trace_path) {
    if (trace_path == "-") return "standard-input";
    std::string name = std::filesystem::path(trace_path).filename().string();
    for (char& c : name) {
        const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                             c == '_' || c == '-';
        if (!allowed) c = '-';
    }
    constexpr std::size_t k_room_for_number = 8;
    return name.substr(0, protocol::k_stream_name_bytes_max - k_room_for_number);
}

Result<std::string> free_name(storage::History& history, const std::string& trace_path) {
    const auto streams = history.streams();
    if (!streams) return tl::unexpected(streams.error());
    std::set<std::string> taken;
    for (const storage::StreamRow& stream : *streams) taken.insert(stream.name);
    const std::string base = name_from(trace_path);
    std::string name = base;
    for (int number = 2; taken.contains(name); ++number) name = base + '-' + std::to_string(number);
    return name;
}

}  // namespace

Result<std::unique_ptr<Recording>> Recording::open(const std::string& path, const std::string& wanted_name,
                                                   const std::string& trace_path) {
    if (!wanted_name.empty()) {
        if (auto wrong = protocol::stream_name_violation(wanted_name)) {
            return fail(Code::invalid_argument, "--stream " + *wrong);
        }
    }
    storage::HistoryOptions options;
    options.path = path;
    auto history = storage::History::open(std::move(options));
    if (!history) return tl::unexpected(history.error());
    storage::StreamRow row;
    row.name = wanted_name;
    if (row.name.empty()) {
        auto name = free_name(**history, trace_path);
        if (!name) return tl::unexpected(name.error());
        row.name = std::move(*name);
    }
    row.created_ms = stream::wall_ms();
    auto added = (*history)->add_stream(row);
    if (!added) return tl::unexpected(added.error());
    return std::unique_ptr<Recording>(new Recording(std::move(*history), std::move(*added)));
}

Result<void> Recording::add_run(const stream::LibraryScenario& scenario, ScenarioReplay& replay) {
    storage::RunRow row;
    row.stream_id = stream_.id;
    row.scenario = scenario.name();
    row.scenario_toml = scenario.toml;
    row.engine_version = config::k_version;
    row.created_ms = stream::wall_ms();
    const auto added = history_->add_run(row, replay.compiled().plans, scenario.scenario());
    if (!added) return tl::unexpected(added.error());
    replay.record_in(*history_, added->id);
    return {};
}

std::function<void(Result<void>)> Recording::keep_trouble() {
    return [kept = trouble_](const Result<void>& result) {
        const std::lock_guard lock(kept->mutex);
        if (!result && !kept->first) kept->first = result.error();
    };
}

Result<void> Recording::trouble() const {
    const std::lock_guard lock(trouble_->mutex);
    if (trouble_->first) return tl::unexpected(*trouble_->first);
    return {};
}

Result<std::vector<Arrival>> Recording::log(std::vector<Arrival> arrivals) {
    REPLAYD_ASSERT(!arrivals.empty() && arrivals.size() <= protocol::k_arrivals_per_batch_max);
    protocol::ArrivalBatch batch;
    batch.seq = ++seq_;
    batch.watermark = arrivals.back().at;
    batch.arrivals = std::move(arrivals);
    if (auto wrong = protocol::violation(batch)) return tl::unexpected(std::move(*wrong));
    storage::LoggedBatch logged;
    logged.seq = seq_;
    logged.payload = protocol::serialize_log_batch(batch);
    logged.arrivals = static_cast<std::int64_t>(batch.arrivals.size());
    logged.watermark = *batch.watermark;
    history_->append_batch(stream_.id, std::move(logged), keep_trouble());
    if (seq_ % k_batches_between_flushes == 0) {
        if (auto flushed = history_->flush(); !flushed) return tl::unexpected(flushed.error());
    }
    if (auto fine = trouble(); !fine) return tl::unexpected(fine.error());
    return std::move(batch.arrivals);
}

Result<void> Recording::end(const std::vector<std::unique_ptr<ScenarioReplay>>& replays, storage::RunState state,
                            const std::string& failure) {
    stream_.ended = true;
    if (auto ended = history_->update_stream(stream_); !ended) return ended;
    for (const auto& replay : replays) {
        storage::RunTotals totals;
        totals.state = state;
        totals.finished_ms = stream::wall_ms();
        totals.failure = failure;
        if (state == storage::RunState::finished) totals.hash = replay->hash().to_string();
        totals.snapshot = replay->snapshot();
        history_->finish_run(replay->run_id(), std::move(totals), keep_trouble());
    }
    if (auto flushed = history_->flush(); !flushed) return flushed;
    return trouble();
}

Result<void> Recording::finish(const std::vector<std::unique_ptr<ScenarioReplay>>& replays) {
    return end(replays, storage::RunState::finished, "");
}

Result<void> Recording::abandon(const std::vector<std::unique_ptr<ScenarioReplay>>& replays,
                                const std::string& reason) {
    return end(replays, storage::RunState::failed, reason);
}

}  // namespace replayd::ctl
