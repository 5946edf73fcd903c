#pragma once
// A history file in a directory of its own, and records to put into it.

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "storage/history.hpp"
#include "storage/query.hpp"

namespace replayd::storage {

/// A fresh directory that goes away with its contents.
class TempDir {
public:
    TempDir() {
        std::string pattern = (std::filesystem::temp_directory_path() / "replayd-storage-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) std::abort();
        path_ = pattern;
    }
    ~TempDir() { std::filesystem::remove_all(path_); }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] std::string file(const std::string& name = "history.sqlite") const {
        return (path_ / name).string();
    }

private:
    std::filesystem::path path_;
};

inline std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

/// Unwraps a result, failing the test with the message.
template <class T>
T must(Result<T> result) {
    if (!result) {
        ADD_FAILURE() << result.error().message;
        std::abort();
    }
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

template <class T>
std::string error_of(const Result<T>& result) {
    return result ? "(no error)" : result.error().message;
}

inline std::unique_ptr<History> open_history(const std::string& path) {
    HistoryOptions options;
    options.path = path;
    return must(History::open(std::move(options)));
}

/// A request whose every member differs from its default; a rejected one for each sequence ending in 9.
inline RequestRecord sample_request(std::int64_t sequence) {
    RequestRecord r;
    r.sequence = sequence;
    r.id = "req-" + std::to_string(sequence);
    r.conversation = "talk-" + std::to_string(sequence / 3);
    r.slo_class = "chat";
    r.model = "llama";
    r.prompt = Tokens(100 + sequence % 50);
    r.output = Tokens(1 + sequence % 5);
    r.cached = Tokens(16);
    r.arrived = VirtualTime(sequence * k_ns_per_s);
    if (sequence % 10 == 9) {
        r.outcome = Outcome::rejected;
        r.reject_reason = "prompt_exceeds_kv";
        r.scheduled = r.first_token = r.decode_started = r.finished = r.arrived;
        return r;
    }
    for (std::size_t i = 0; i < k_ledger_parts; ++i) {
        r.ledger.parts[i] = Duration(static_cast<std::int64_t>(i + 1) * k_ns_per_ms + sequence);
    }
    r.scheduled = r.arrived + Duration(5 * k_ns_per_ms);
    r.first_token = r.arrived + Duration(20 * k_ns_per_ms + sequence);
    r.decode_started = r.first_token + Duration(k_ns_per_ms);
    r.finished = r.arrived + r.ledger.sum();
    for (std::size_t i = 0; i < k_blame_causes; ++i)
        r.blame.causes[i] = Duration(static_cast<std::int64_t>(i) + sequence);
    r.preemptions = 2;
    r.prefill_replica = 1;
    r.decode_replica = 3;
    r.observed_ttft = Duration(30 * k_ns_per_ms);
    r.observed_e2e = Duration(90 * k_ns_per_ms);
    r.observed_tpot = Duration(12 * k_ns_per_ms);
    r.observed_cached = Tokens(8);
    return r;
}

inline std::vector<RequestRecord> sample_requests(std::int64_t from, std::int64_t to) {
    std::vector<RequestRecord> records;
    for (std::int64_t i = from; i < to; ++i) records.push_back(sample_request(i));
    return records;
}

/// Of the sample requests [0, count).
inline std::vector<ResidualWindow> sample_residuals(std::int64_t count, const DriftSpec& rule) {
    ResidualTracker tracker(rule);
    std::vector<ResidualWindow> windows;
    for (std::int64_t i = 0; i < count; ++i) {
        if (auto window = tracker.add(sample_request(i))) windows.push_back(std::move(*window));
    }
    if (auto window = tracker.finish()) windows.push_back(std::move(*window));
    return windows;
}

/// Window `index` of 10 s with two pools and one value per histogram.
inline WindowRecord sample_window(std::int64_t index) {
    WindowRecord w;
    w.length = Duration(10 * k_ns_per_s);
    w.start = VirtualTime(index * w.length.value);
    w.arrived = 10 + index;
    w.finished = 9;
    w.rejected = 1;
    w.within_slo = 8;
    w.prompt_tokens = Tokens(1'000);
    w.output_tokens = Tokens(100);
    w.steps = 50;
    w.preemptions = 3;
    w.waiting = index;
    w.running = 4;
    w.transferring = 5;
    w.kv_blocks_used = 60;
    w.kv_blocks_total = 100;
    w.busy = Duration(6 * k_ns_per_s);
    w.batch_tokens = 5'000;
    w.batch_sequences = 400;
    w.ttft.record((index + 1) * 100 * k_ns_per_ms, 9);
    w.tpot.record(20 * k_ns_per_ms, 9);
    w.e2e.record(k_ns_per_s, 9);
    w.queue.record(k_ns_per_ms, 9);
    for (std::size_t i = 0; i < k_ledger_parts; ++i) w.ledger[i] = Duration(static_cast<std::int64_t>(i) * k_ns_per_ms);
    w.cached_tokens = Tokens(300);
    for (std::size_t i = 0; i < k_blame_causes; ++i) w.blame.causes[i] = Duration(static_cast<std::int64_t>(i) * 7);
    for (std::int64_t pool = 0; pool < 2; ++pool) {
        w.pools.push_back(PoolWindow{pool + 1, pool + 2, pool + 3, pool + 50, pool + 6, pool + 5,
                                     Duration((pool + 1) * k_ns_per_s), Tokens(500), Tokens(pool * 100)});
    }
    // Replica 0 changes in every window, replica 4 in every third.
    w.replicas.push_back(ReplicaWindow{0, 0, 10 + index, 5, Bytes(0)});
    if (index % 3 == 0) w.replicas.push_back(ReplicaWindow{4, 1, 20 + index, 6, Bytes(1'000 + index)});
    return w;
}

/// A prefill and a decode pool of 2 and 3 GPUs, with objectives.
inline Scenario sample_scenario() {
    Scenario s;
    s.name = "pd";
    s.description = "two pools";
    s.model.name = "Llama-3.1-8B";
    s.slo.ttft = Duration(500 * k_ns_per_ms);
    for (const auto role : {PoolRole::prefill, PoolRole::decode}) {
        PoolSpec pool;
        pool.name = role == PoolRole::prefill ? "p" : "d";
        pool.role = role;
        pool.gpu.name = "H100-SXM";
        pool.replicas = role == PoolRole::prefill ? 2 : 3;
        s.pools.push_back(pool);
    }
    return s;
}

inline std::vector<MemoryPlan> sample_plans() {
    std::vector<MemoryPlan> plans;
    for (const char* name : {"p", "d"}) {
        MemoryPlan plan;
        plan.pool = name;
        plan.device = Bytes(80'000);
        plan.budget = Bytes(72'000);
        plan.items = {{"weights: attention", Bytes(30'000), "3 x 10000", ItemBasis::physics},
                      {"activations", Bytes(2'000), "fixed", ItemBasis::habit}};
        plan.outside = {{"CUDA context", Bytes(500), "measured", ItemBasis::assumption}};
        plan.kv_bytes_per_token = Bytes(10);
        plan.kv_bytes_per_block = Bytes(160);
        plan.state_bytes_per_request = Bytes(7);
        plan.fitting_blocks = 250;
        plan.blocks = 200;
        plan.pinned = true;
        plan.parameters = 8'000'000;
        plan.host_blocks = 9;
        plan.stage = 2;
        plan.missing = Bytes(3);
        plans.push_back(plan);
    }
    return plans;
}

/// A stream called `name` with one run of the sample scenario; returns the run.
inline RunRow sample_run(History& history, const std::string& name = "azure") {
    StreamRow stream;
    stream.name = name;
    stream.created_ms = 1'000;
    RunRow run;
    run.stream_id = must(history.add_stream(stream)).id;
    run.scenario = "pd";
    run.scenario_toml = "name = 'pd'";
    run.engine_version = "0.1.0";
    run.created_ms = 2'000;
    return must(history.add_run(run, sample_plans(), sample_scenario()));
}

inline LoggedBatch sample_batch(std::uint64_t seq, std::int64_t arrivals = 10) {
    return LoggedBatch{seq, "payload \0 of " + std::to_string(seq), arrivals,
                       VirtualTime(static_cast<std::int64_t>(seq) * k_ns_per_s)};
}

/// Appends and blocks until the answer: "" or the message.
inline std::string append_and_wait(History& history, std::int64_t stream_id, const LoggedBatch& batch) {
    std::string message;
    history.append_batch(stream_id, batch, [&](Result<void> done) { message = done ? "" : done.error().message; });
    // flush orders after the append, so `message` is written by now.
    static_cast<void>(history.flush());
    return message;
}

}  // namespace replayd::storage
