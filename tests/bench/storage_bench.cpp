// Rows per second into the history, against bare SQLite inserting the same columns into the same file system in the
// same run; and batches acknowledged per second. Prints the ratio. Bound: speed of bare SQLite, some 500,000 rows/s of
// 44 columns on one core at 140 bytes a row.
#include <sqlite3.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "replay/base/random.hpp"
#include "storage/history.hpp"
#include "storage/query.hpp"

namespace {

using namespace replayd;
using namespace replayd::storage;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t k_rows = 400'000;
constexpr std::int64_t k_rows_per_add = 1'000;
constexpr int k_repetitions = 5;
constexpr std::int64_t k_batches = 20'000;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void check(bool good, const std::string& what) {
    if (good) return;
    std::fprintf(stderr, "storage_bench: %s\n", what.c_str());
    std::exit(1);
}

/// Requests in the order of finishing: nearly that of arriving.
std::vector<RequestRecord> make_records() {
    std::vector<RequestRecord> records(k_rows);
    Random random(1);
    for (std::int64_t i = 0; i < k_rows; ++i) {
        auto& r = records[static_cast<std::size_t>(i)];
        r.sequence = i;
        r.id = "request-" + std::to_string(i);
        r.prompt = Tokens(100 + static_cast<std::int64_t>(random.below(4'000)));
        r.output = Tokens(2 + static_cast<std::int64_t>(random.below(500)));
        r.arrived = VirtualTime(i * 20 * k_ns_per_ms);
        for (const auto part : {LedgerPart::prefill_queue, LedgerPart::prefill_compute, LedgerPart::decode_compute,
                                LedgerPart::batch_interference}) {
            r.ledger[part] = Duration(static_cast<std::int64_t>(random.below(1'000'000'000)));
        }
        r.blame[BlameCause::step_in_flight] = r.ledger[LedgerPart::prefill_queue];
        r.blame[BlameCause::other_decodes] = r.ledger[LedgerPart::batch_interference];
        r.scheduled = r.arrived + r.ledger[LedgerPart::prefill_queue];
        r.first_token = r.decode_started = r.scheduled + r.ledger[LedgerPart::prefill_compute];
        r.finished = r.arrived + r.ledger.sum();
        r.prefill_replica = r.decode_replica = static_cast<std::int32_t>(i % 4);
    }
    for (std::size_t i = 0; i + 64 < records.size(); ++i) std::swap(records[i], records[i + random.below(64)]);
    return records;
}

/// The same columns by hand: a table with a rowid and nothing else, one prepared INSERT, 8,192 rows a transaction.
double bare_seconds(const std::string& path, const std::vector<RequestRecord>& records) {
    sqlite3* db = nullptr;
    check(sqlite3_open(path.c_str(), &db) == SQLITE_OK, "cannot open " + path);
    const auto run = [&](const std::string& sql) {
        check(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(db));
    };
    run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; "
        "PRAGMA cache_size = -32000");
    std::string columns = "run_id INTEGER, sequence INTEGER, id TEXT, conversation TEXT, slo_class TEXT, model TEXT, "
                          "outcome TEXT, reject_reason TEXT";
    std::string values = "?, ?, ?, ?, ?, ?, ?, ?";
    // Integers: 11 facts, the ledger, what was observed, the blame.
    const std::size_t integers = 11 + k_ledger_parts + 2 + k_blame_causes;
    for (std::size_t i = 0; i < integers; ++i) {
        columns += ", c" + std::to_string(i) + " INTEGER";
        values += ", ?";
    }
    run("CREATE TABLE request (" + columns + ") STRICT");
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db, ("INSERT INTO request VALUES (" + values + ")").c_str(), -1, &insert, nullptr);
    const auto start = Clock::now();
    run("BEGIN");
    for (std::size_t i = 0; i < records.size(); ++i) {
        const auto& r = records[i];
        sqlite3_bind_int64(insert, 1, 1);
        sqlite3_bind_int64(insert, 2, r.sequence);
        sqlite3_bind_text(insert, 3, r.id.data(), static_cast<int>(r.id.size()), SQLITE_STATIC);
        sqlite3_bind_text(insert, 7, "finished", 8, SQLITE_STATIC);
        int column = 9;
        for (const std::int64_t value : {r.prompt.value, r.output.value, r.cached.value, r.arrived.ns, r.scheduled.ns,
                                         r.first_token.ns, r.decode_started.ns, r.finished.ns,
                                         std::int64_t{r.preemptions}, std::int64_t{r.prefill_replica},
                                         std::int64_t{r.decode_replica}}) {
            sqlite3_bind_int64(insert, column++, value);
        }
        for (const Duration part : r.ledger.parts) sqlite3_bind_int64(insert, column++, part.value);
        column += 2;
        for (const Duration cause : r.blame.causes) sqlite3_bind_int64(insert, column++, cause.value);
        check(sqlite3_step(insert) == SQLITE_DONE, sqlite3_errmsg(db));
        sqlite3_reset(insert);
        if (i % 8'192 == 8'191) run("COMMIT; BEGIN");
    }
    run("COMMIT");
    const double seconds = seconds_since(start);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    return seconds;
}

std::unique_ptr<History> open_history(const std::string& path, Durability durability) {
    HistoryOptions options;
    options.path = path;
    options.durability = durability;
    auto history = History::open(options);
    check(history.has_value(), history ? "" : history.error().message);
    return std::move(*history);
}

RunRow add_run(History& history) {
    StreamRow stream;
    stream.name = "bench";
    RunRow run;
    run.stream_id = history.add_stream(stream).value().id;
    return history.add_run(run, {}, Scenario{}).value();
}

/// From the first add_requests until everything is committed; the copies that are handed over are made before.
double history_seconds(const std::string& path, const std::vector<RequestRecord>& records) {
    std::vector<std::vector<RequestRecord>> parts;
    for (std::size_t i = 0; i < records.size(); i += k_rows_per_add) {
        const auto from = records.begin() + static_cast<std::ptrdiff_t>(i);
        parts.emplace_back(from, from + k_rows_per_add);
    }
    const auto history = open_history(path, Durability::normal);
    const auto run = add_run(*history);
    const auto start = Clock::now();
    for (auto& part : parts) history->add_requests(run.id, std::move(part));
    check(history->flush().has_value(), "flush failed");
    const double seconds = seconds_since(start);
    check(history->counters().committed_request_rows == k_rows, "rows are missing");
    return seconds;
}

/// Batches of 50 arrivals (2 kB), at most `in_flight` unanswered.
void print_acks(const std::string& path, Durability durability, std::int64_t in_flight) {
    const auto history = open_history(path, durability);
    const auto run = add_run(*history);
    const std::int64_t total = durability == Durability::full ? k_batches / 10 : k_batches;
    std::atomic<std::int64_t> acked = 0;
    const std::string payload(2'000, 'x');
    const auto before = history->counters();
    const auto start = Clock::now();
    for (std::int64_t seq = 1; seq <= total; ++seq) {
        for (std::int64_t seen = acked; seq - seen > in_flight; seen = acked) acked.wait(seen);
        history->append_batch(run.stream_id,
                              LoggedBatch{static_cast<std::uint64_t>(seq), payload, 50, VirtualTime(seq)},
                              [&](Result<void> done) {
                                  check(done.has_value(), "append failed");
                                  ++acked;
                                  acked.notify_one();
                              });
    }
    check(history->flush().has_value(), "flush failed");
    const double seconds = seconds_since(start);
    const auto after = history->counters();
    std::printf("acks       durability %-6s  %3ld in flight  %9.0f batches/s  %6.1f batches a commit\n",
                durability == Durability::full ? "full" : "normal", static_cast<long>(in_flight),
                static_cast<double>(total) / seconds,
                static_cast<double>(total) / static_cast<double>(after.commits - before.commits));
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main() {
    std::string directory = (std::filesystem::temp_directory_path() / "replayd-bench-XXXXXX").string();
    check(mkdtemp(directory.data()) != nullptr, "cannot make a directory");
    const auto records = make_records();
    int file = 0;
    const auto next = [&] { return directory + "/" + std::to_string(file++) + ".sqlite"; };
    std::vector<double> bare;
    std::vector<double> history;
    for (int i = 0; i < k_repetitions; ++i) {
        bare.push_back(static_cast<double>(k_rows) / bare_seconds(next(), records));
        const std::string path = next();
        history.push_back(static_cast<double>(k_rows) / history_seconds(path, records));
        std::printf("rows       bare SQLite %9.0f rows/s   add_requests %9.0f rows/s\n", bare.back(), history.back());
        if (i + 1 < k_repetitions) continue;
        auto reader = Reader::open(path).value();
        const auto start = Clock::now();
        check(reader->requests(1, {RequestOrder::slowest_ttft, std::nullopt, 50}).has_value(), "no requests");
        std::printf("slowest    50 slowest TTFT of %ld rows: %.0f ms\n", static_cast<long>(k_rows),
                    seconds_since(start) * 1e3);
    }
    std::printf("rows       median of %d: bare %.0f rows/s, history %.0f rows/s, ratio %.2f\n", k_repetitions,
                median(bare), median(history), median(history) / median(bare));
    for (const auto durability : {Durability::normal, Durability::full}) {
        for (const std::int64_t in_flight : {1, 64}) print_acks(next(), durability, in_flight);
    }
    std::filesystem::remove_all(directory);
    return 0;
}
