#include "tests/trust/storage_life.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "storage/integrity.hpp"
#include "storage/query.hpp"

namespace replayd::trust {
namespace {

using storage::SteppedHistory;

/// A clock that jumps past every wait of the writer each time it is read.
std::chrono::steady_clock::time_point hasty_now() {
    static std::chrono::steady_clock::time_point now;
    return now += std::chrono::seconds(2);
}

Scenario life_scenario() {
    Scenario scenario;
    scenario.name = "life";
    scenario.model.name = "model";
    PoolSpec pool;
    pool.name = "all";
    pool.gpu.name = "gpu";
    scenario.pools.push_back(pool);
    return scenario;
}

RequestRecord life_request(std::int64_t sequence) {
    RequestRecord record;
    record.sequence = sequence;
    record.id = "request-" + std::to_string(sequence);
    record.prompt = Tokens(100);
    record.output = Tokens(10);
    record.arrived = record.scheduled = record.first_token = VirtualTime(sequence * k_ns_per_ms);
    record.decode_started = record.arrived;
    record.finished = record.arrived + Duration(k_ns_per_s);
    record.ledger.parts[0] = Duration(k_ns_per_s);
    return record;
}

WindowRecord life_window() {
    WindowRecord window;
    window.length = Duration(k_ns_per_s);
    window.arrived = window.finished = k_life_requests;
    return window;
}

storage::RunTotals life_totals() {
    storage::RunTotals totals;
    totals.state = storage::RunState::finished;
    totals.hash = "hash";
    totals.snapshot.arrived = totals.snapshot.finished = k_life_requests;
    return totals;
}

/// Does the steps of a life on one open history.
class Steps {
public:
    Steps(SteppedHistory& history, const LifeOptions& options, Acked& acked)
        : history_(history), acked_(acked), retries_(options.retries) {}

    /// The first error that no retry got over.
    std::string all() {
        if (auto error = insist([this] { return register_both(); }); !error.empty()) return error;
        while (acked_.batches < k_life_batches) {
            if (auto error = insist([this] { return append_rest(); }); !error.empty()) return error;
        }
        if (auto error = insist([this] { return end(); }); !error.empty()) return error;
        if (acked_.finished) return {};
        std::vector<RequestRecord> records;
        for (std::int64_t i = 0; i < k_life_requests; ++i) records.push_back(life_request(i));
        history_.add_requests(acked_.run_id, std::move(records));
        history_.add_window(acked_.run_id, {life_window()});
        return insist([this] { return finish(); });
    }

private:
    template <class Step>
    std::string insist(Step step) {
        for (;;) {
            std::string error = step();
            if (error.empty() || retries_-- <= 0) return error;
        }
    }

    /// Whoever is answered with an error may find it done: a commit can fail after it reached the disk.
    std::string register_both() {
        if (acked_.stream_id == 0) {
            const auto streams = history_.streams();
            if (!streams) return streams.error().message;
            if (!streams->empty()) acked_.stream_id = streams->front().id;
        }
        if (acked_.stream_id == 0) {
            storage::StreamRow stream;
            stream.name = "life";
            storage::RunRow run;
            run.scenario = "life";
            const std::vector<MemoryPlan> plans(1);
            const auto added = history_.add_stream_with_runs(stream, {{run, plans, life_scenario()}});
            if (!added) return added.error().message;
            acked_.stream_id = added->stream.id;
            acked_.run_id = added->runs.front().id;
        }
        if (acked_.run_id != 0) return {};
        const auto runs = history_.unfinished_runs(acked_.stream_id);
        if (!runs) return runs.error().message;
        // Streams come with their runs: where none is unfinished, it has finished.
        if (runs->empty()) acked_.finished = true;
        else acked_.run_id = runs->front().id;
        return {};
    }

    /// Two at a time, so that a commit is shared.
    std::string append_rest() {
        std::string error;
        const std::uint64_t from = acked_.batches + 1;
        const std::uint64_t to = std::min(from + 2, k_life_batches + 1);
        std::uint64_t answered = from;
        for (std::uint64_t seq = from; seq < to; ++seq) {
            history_.append_batch(acked_.stream_id, life_batch(seq), [this, seq, &answered, &error](Result<void> done) {
                ++answered;
                if (done) acked_.batches = seq;
                if (!done && error.empty()) error = done.error().message;
            });
        }
        while (answered < to) (void)history_.write_waiting();
        return error;
    }

    std::string end() {
        storage::StreamRow stream;
        stream.id = acked_.stream_id;
        stream.name = "life";
        stream.ended = true;
        const auto done = history_.update_stream(stream);
        if (!done) return done.error().message;
        acked_.ended = true;
        return {};
    }

    std::string finish() {
        std::optional<Result<void>> answer;
        if (!asked_) {
            history_.finish_run(acked_.run_id, life_totals(),
                                [this](Result<void> done) { finished_ = std::move(done); });
            asked_ = true;
        }
        // Rows first: they may take a turn of their own.
        for (int turn = 0; turn < 4 && !finished_ && !history_.trouble(); ++turn) (void)history_.write_waiting();
        if (!finished_ && history_.trouble()) (void)history_.write_waiting();
        if (finished_ && *finished_) acked_.finished = true;
        if (finished_) return *finished_ ? "" : finished_->error().message;
        return history_.trouble() ? history_.trouble()->message : "the run's end is not answered";
    }

    SteppedHistory& history_;
    Acked& acked_;
    int retries_;
    bool asked_ = false;
    std::optional<Result<void>> finished_;
};

std::int64_t number(storage::Connection& connection, const std::string& sql) {
    return connection.query_integer(sql).value_or(-1);
}

storage::HistoryOptions history_options(storage::Durability durability) {
    storage::HistoryOptions options;
    options.path = k_life_path;
    options.durability = durability;
    options.start_check = storage::StartCheck::always;
    options.now = hasty_now;
    return options;
}

std::string examine_log(SteppedHistory& history, const Acked& acked, bool complete) {
    if (acked.stream_id == 0) return {};
    const auto batches = history.batches(acked.stream_id, 1, 1000);
    if (!batches) return batches.error().message;
    const std::uint64_t wanted = complete ? k_life_batches : acked.batches;
    if (batches->size() < wanted) {
        return std::to_string(batches->size()) + " batches are stored of " + std::to_string(wanted) + " acknowledged";
    }
    for (std::size_t i = 0; i < batches->size(); ++i) {
        const auto& batch = (*batches)[i];
        if (batch.seq != i + 1 || batch.payload != life_batch(i + 1).payload) {
            return "batch " + std::to_string(i + 1) + " is not what was sent";
        }
    }
    return {};
}

}  // namespace

storage::LoggedBatch life_batch(std::uint64_t seq) {
    storage::LoggedBatch batch;
    batch.seq = seq;
    batch.payload = std::string(1'500, static_cast<char>('a' + seq % 26));
    batch.arrivals = seq == k_life_batches ? k_life_requests - 7 * (k_life_batches - 1) : 7;
    batch.watermark = VirtualTime(static_cast<std::int64_t>(seq) * k_ns_per_ms);
    return batch;
}

std::string live(const LifeOptions& options, Acked& acked) {
    int retries = options.retries;
    for (;;) {
        auto history = SteppedHistory::open(history_options(options.durability));
        if (!history && retries-- > 0) continue;
        if (!history) return history.error().message;
        Steps steps(**history, options, acked);
        std::string error = steps.all();
        // A process that fails does not tidy up.
        if (!error.empty()) (*history)->abandon();
        return error;
    }
}

std::string examine(const Acked& acked, bool complete) {
    auto history = SteppedHistory::open(history_options(storage::Durability::normal));
    if (!history) return "it does not open: " + history.error().message;
    if (auto wrong = examine_log(**history, acked, complete); !wrong.empty()) return wrong;
    const auto lines = storage::check_history(k_life_path, true);
    if (!lines) return "it cannot be checked: " + lines.error().message;
    for (const storage::CheckLine& line : *lines) {
        if (line.broken > 0) return "not true: " + line.rule + ": " + line.first;
    }
    auto connection = storage::Connection::open(k_life_path, storage::Access::read_only);
    if (!connection) return connection.error().message;
    if (number(*connection, "SELECT count(*) FROM stream") > 1) return "the stream is there twice";
    if (number(*connection, "SELECT count(*) FROM run") > 1) return "the run is there twice";
    const std::int64_t rows = number(*connection, "SELECT count(*) FROM request");
    if ((acked.finished || complete) && rows != k_life_requests) {
        return "the run has finished with " + std::to_string(rows) + " rows of " + std::to_string(k_life_requests);
    }
    if (rows > k_life_requests) return std::to_string(rows) + " rows of " + std::to_string(k_life_requests);
    const bool ended = number(*connection, "SELECT coalesce(max(ended), 0) FROM stream") == 1;
    return acked.ended && !ended ? "the end was acknowledged and is not stored" : "";
}

}  // namespace replayd::trust
