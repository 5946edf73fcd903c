// Facts of the process, the commit histogram and the rule which runs are shown.

#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/metrics/commit_times.hpp"
#include "daemon/metrics/exposition.hpp"
#include "daemon/metrics/families.hpp"
#include "daemon/metrics/process.hpp"

namespace replayd::metrics {
namespace {

// Values that the test process must have: some memory, standard streams open, a start in the past.
TEST(Process, facts_are_those_of_a_living_process) {
    const auto facts = read_process_facts();
    ASSERT_TRUE(facts) << facts.error().message;
    EXPECT_GT(facts->resident_bytes, 100'000);
    EXPECT_GE(facts->virtual_bytes, facts->resident_bytes);
    EXPECT_GE(facts->open_fds, 1);
    EXPECT_GE(facts->max_fds, facts->open_fds);
    EXPECT_GT(facts->start_time_seconds, 1.6e9);  // after 2020
    EXPECT_GE(facts->cpu_seconds, 0);
}

TEST(CommitTimes, count_into_buckets_with_inclusive_edges) {
    CommitTimes times;
    times.observe(100'000);        // 0.1 ms: on the first edge
    times.observe(150'000);        // in the second bucket
    times.observe(3'000'000'000);  // beyond the last edge
    const stream::Distribution distribution = times.snapshot();
    EXPECT_EQ(distribution.counts.front(), 1);
    EXPECT_EQ(distribution.counts[1], 1);
    EXPECT_EQ(distribution.counts.back(), 1);
    EXPECT_NEAR(distribution.sum, 3.00025, 1e-9);
}

// Prometheus wants cumulative buckets, the last one equal to the count.
TEST(Families, a_histogram_is_cumulative_and_ends_in_inf) {
    stream::Distribution distribution({0.01, 0.025, 80});
    distribution.observe(0.02);
    distribution.observe(1000);
    Families families;
    families.histogram("x_seconds", "help", {{"run", "1"}}, distribution);
    const std::string text = families.text();
    EXPECT_NE(text.find("x_seconds_bucket{run=\"1\",le=\"0.01\"} 0\n"), std::string::npos) << text;
    EXPECT_NE(text.find("x_seconds_bucket{run=\"1\",le=\"0.025\"} 1\n"), std::string::npos) << text;
    EXPECT_NE(text.find("x_seconds_bucket{run=\"1\",le=\"+Inf\"} 2\n"), std::string::npos) << text;
    EXPECT_NE(text.find("x_seconds_count{run=\"1\"} 2\n"), std::string::npos) << text;
}

// A hit counts in one tier: what the host found is not the device's.
TEST(Families, a_prefix_cache_counts_per_tier) {
    RunSnapshot now;
    now.cache = {.queried_tokens = 100, .hit_tokens = 60, .inserted_entries = 9, .evicted_entries = 8,
                 .host_hit_tokens = 20, .host_stored_entries = 7, .host_evicted_entries = 3, .host_loaded_blocks = 5};
    now.host_blocks_used = 1;
    now.host_blocks_total = 4;
    Families families;
    add_prefix_cache(families, {{"run", "1"}}, now);
    const std::string text = families.text();
    for (const char* line : {"replayd_prefix_queried_tokens_total{run=\"1\"} 100\n",
                             "replayd_prefix_hit_tokens_total{run=\"1\",tier=\"device\"} 40\n",
                             "replayd_prefix_hit_tokens_total{run=\"1\",tier=\"host\"} 20\n",
                             "replayd_prefix_inserted_entries_total{run=\"1\",tier=\"host\"} 7\n",
                             "replayd_prefix_evicted_entries_total{run=\"1\",tier=\"device\"} 8\n",
                             "replayd_prefix_evicted_entries_total{run=\"1\",tier=\"host\"} 3\n",
                             "replayd_host_loaded_blocks_total{run=\"1\"} 5\n",
                             "replayd_host_kv_usage_ratio{run=\"1\"} 0.25\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
}

/// A feed without batches, a history and an observer that nothing reaches: only the run's age matters here.
class NoFeed final : public stream::RunFeed {
public:
    Result<std::vector<stream::FeedBatch>> fetch(std::uint64_t) override { return {}; }
    bool ends_with(std::uint64_t) override { return false; }
    stream::Pacer pacer() override { return stream::Pacer(0); }
    stream::WallTime now() override { return {}; }
    void on_run_progress() override {}
};

class NoObserver final : public stream::Observer {
public:
    void on_requests(const stream::RunIdentity&, std::span<const RequestRecord>) override {}
    void on_window(const stream::RunIdentity&, const std::shared_ptr<const WindowRecord>&) override {}
    void on_streams_changed() override {}
};

// 20 runs that ended long ago: the 16 newest stay, and a running one stays however old it is.
TEST(ExposedRuns, long_finished_runs_leave_except_the_newest) {
    const std::string path = testing::TempDir() + "exposed_runs_" + std::to_string(getpid()) + ".db";
    std::remove(path.c_str());
    storage::HistoryOptions options;
    options.path = path;
    auto history = std::move(*storage::History::open(options));
    NoFeed feed;
    NoObserver observer;
    std::vector<std::shared_ptr<stream::RunWorker>> runs;
    for (std::int64_t id = 1; id <= 20; ++id) {
        runs.push_back(std::make_shared<stream::RunWorker>(stream::RunIdentity{id, "s", "c", "", 0, nullptr}, feed,
                                                           *history, observer));
        if (id != 2) runs.back()->fail_run("test");
    }
    (void)history->flush();
    history.reset();  // its writer has reported every end
    const std::int64_t finished_ms = runs[0]->progress().finished_ms();
    EXPECT_EQ(exposed_runs(runs, finished_ms).size(), 20U);
    const auto later = exposed_runs(runs, finished_ms + 3'600'000);
    ASSERT_EQ(later.size(), 17U);
    EXPECT_EQ(later[0]->identity().id, 2);
    EXPECT_EQ(later[1]->identity().id, 5);
    std::remove(path.c_str());
}

}  // namespace
}  // namespace replayd::metrics
