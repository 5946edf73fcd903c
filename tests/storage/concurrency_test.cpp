// Many threads add while others read: nothing is lost, and a reader never sees a part of a transaction. Runs under
// ThreadSanitizer in CI.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

constexpr std::int64_t k_threads = 4;
constexpr std::int64_t k_adds = 20;
constexpr std::int64_t k_rows = 100;

std::int64_t integer(Reader& reader, const std::string& sql) {
    return std::get<std::int64_t>(must(reader.query(sql)).rows.at(0).at(0));
}

TEST(Concurrency, threads_add_while_readers_query) {
    const TempDir dir;
    HistoryOptions options;
    options.path = dir.file();
    options.queue_rows_max = 500;  // small, so that adders block on one another
    const auto history = must(History::open(options));
    std::vector<RunRow> runs;
    for (std::int64_t t = 0; t < k_threads; ++t) runs.push_back(sample_run(*history, "s" + std::to_string(t)));

    std::atomic<bool> done = false;
    std::thread watcher([&] {
        const auto reader = must(Reader::open(dir.file()));
        while (!done) {
            EXPECT_EQ(integer(*reader, "SELECT coalesce(sum(arrivals), 0) % 10 FROM arrival_batch"), 0);
            EXPECT_GE(integer(*reader, "SELECT count(*) FROM request_latency"), 0);
            EXPECT_GE(history->counters().commits, 1);
            EXPECT_FALSE(history->trouble());
            EXPECT_EQ(must(history->streams()).size(), 4U);
        }
    });
    std::atomic<std::int64_t> acks = 0;
    std::vector<std::thread> adders;
    for (const RunRow& run : runs) {
        adders.emplace_back([&, run] {
            for (std::int64_t i = 0; i < k_adds; ++i) {
                history->append_batch(run.stream_id, sample_batch(static_cast<std::uint64_t>(i + 1)),
                                      [&](Result<void> result) { acks += result ? 1 : 0; });
                history->add_requests(run.id, sample_requests(i * k_rows, (i + 1) * k_rows));
                history->add_window(run.id, {sample_window(i)});
            }
        });
    }
    for (auto& adder : adders) adder.join();
    must(history->flush());
    done = true;
    watcher.join();

    EXPECT_EQ(acks, k_threads * k_adds);
    EXPECT_EQ(history->counters().committed_request_rows, k_threads * k_adds * k_rows);
    EXPECT_EQ(history->counters().committed_window_rows, k_threads * k_adds);
    EXPECT_EQ(history->counters().committed_batches, k_threads * k_adds);
    const auto reader = must(Reader::open(dir.file()));
    EXPECT_EQ(integer(*reader, "SELECT count(*) FROM request"), k_threads * k_adds * k_rows);
}

}  // namespace
}  // namespace replayd::storage
