// A run whose cluster cannot keep up with its arrivals: it fails by name instead of filling the memory, and leaves the
// other runs of its stream alone.

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "daemon/stream/stream.hpp"
#include "daemon/stream/task_pool.hpp"
#include "tests/linear_cluster.hpp"

namespace replayd::stream {
namespace {

/// A cluster whose step takes `step_us`.
std::string scenario_of(int step_us) {
    return test::to_toml({.name = "c", .num_blocks = 200, .step_us = step_us});
}

class RunLimit : public testing::Test, public Observer {
protected:
    RunLimit() : path_(testing::TempDir() + "run_limit_" + std::to_string(getpid()) + ".db") {
        std::filesystem::remove(path_);
        storage::HistoryOptions options;
        options.path = path_;
        history_ = std::move(*storage::History::open(options));
    }
    ~RunLimit() override {
        tasks_.stop();
        engine_.stop();
        history_.reset();
        std::filesystem::remove(path_);
    }

    void on_requests(const RunIdentity& /*run*/, std::span<const RequestRecord> /*records*/) override {}
    void on_window(const RunIdentity& /*run*/, const std::shared_ptr<const WindowRecord>& /*window*/) override {}
    void on_streams_changed() override {
        const std::lock_guard lock(mutex_);
        changed_.notify_all();
    }

    /// A stream with a run of each cluster, which may hold `requests_max` requests.
    std::shared_ptr<Stream> start(const std::vector<int>& step_us, std::int64_t requests_max) {
        std::vector<std::shared_ptr<const CompiledScenario>> compiled;
        std::vector<storage::NewRun> runs;
        for (const int us : step_us) {
            compiled.push_back(*compile(*parse_scenario(scenario_of(us), "scenario")));
            runs.push_back(
                {{0, 0, "c", scenario_of(us), "test", 1}, compiled.back()->plans, compiled.back()->scenario});
        }
        storage::StreamRow row;
        row.name = "s";
        const auto stored = history_->add_stream_with_runs(row, runs);
        StreamContext context{*history_, engine_, tasks_, *this};
        context.run_requests_max = requests_max;
        const auto stream = std::make_shared<Stream>(stored->stream, LogTail{}, context);
        for (std::size_t i = 0; i < compiled.size(); ++i) {
            stream->add_run({stored->runs[i].id, "s", "c", scenario_of(step_us[i]), 1, compiled[i]});
        }
        stream->start(std::nullopt);
        return stream;
    }

    static constexpr int k_arrivals = 10'000;
    /// A request each ten milliseconds.
    static protocol::ArrivalBatch arrivals() {
        protocol::ArrivalBatch batch{1, {}, std::nullopt};
        for (int i = 0; i < k_arrivals; ++i) {
            Arrival one;
            one.id = "r" + std::to_string(i);
            one.at = VirtualTime(i * 10 * k_ns_per_ms);
            one.prompt = Tokens(100);
            one.output = Tokens(2);
            batch.arrivals.push_back(std::move(one));
        }
        return batch;
    }

    void wait_over(const RunWorker& run) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&run] { return !run.active(); });
    }

    const std::string path_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::unique_ptr<storage::History> history_;
    EnginePool engine_{2};
    TaskPool tasks_{1, 16};
};

// Steps of a millisecond keep up with these arrivals, steps of a second do not.
TEST_F(RunLimit, a_run_beyond_it_fails_by_name_and_the_others_go_on) {
    const auto stream = start({1'000, 1'000'000}, 1'000);
    EXPECT_FALSE(stream->accept(arrivals(), {k_arrivals, 0}));
    EXPECT_FALSE(stream->accept_end(2));
    wait_over(*stream->runs()[1]);
    const std::string failure = stream->runs()[1]->progress().status().failure;
    EXPECT_TRUE(
        failure.find(" requests are in the cluster at ") != std::string::npos &&
        failure.ends_with(" ns: expected at most 1000; it cannot keep up with its arrivals: give it more replicas, "
                          "or send fewer"))
        << failure;
    wait_over(*stream->runs()[0]);
    EXPECT_EQ(stream->runs()[0]->progress().phase(), RunPhase::finished);
    EXPECT_EQ(stream->status().state, StreamState::finished);
}

// As many as the limit are fine.
TEST_F(RunLimit, a_run_at_it_finishes) {
    const auto stream = start({1'000'000}, k_arrivals);
    EXPECT_FALSE(stream->accept(arrivals(), {k_arrivals, 0}));
    EXPECT_FALSE(stream->accept_end(2));
    wait_over(*stream->runs()[0]);
    EXPECT_EQ(stream->runs()[0]->progress().phase(), RunPhase::finished);
}

}  // namespace
}  // namespace replayd::stream
