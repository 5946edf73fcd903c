// Thread pools: jobs never overlap themselves, wakes are never lost, tasks run in order and before the end.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>

#include "daemon/stream/engine_pool.hpp"
#include "daemon/stream/task_pool.hpp"

namespace replayd::stream {
namespace {

/// Counts slices; fails if two run at once.
class CountingJob final : public Job {
public:
    explicit CountingJob(int slices_wanted) : wanted_(slices_wanted) {}
    NextSlice slice() override {
        EXPECT_FALSE(running_.exchange(true));
        const int done = ++slices_;
        running_ = false;
        if (done == wanted_) finished_.set_value();
        return done < wanted_ ? NextSlice::at_once() : NextSlice::on_wake();
    }
    std::future<void> finished() { return finished_.get_future(); }
    int slices() const { return slices_; }

private:
    const int wanted_;
    std::atomic<bool> running_{false};
    std::atomic<int> slices_{0};
    std::promise<void> finished_;
};

// Many wakes from many threads while it runs: the assertion inside the job sees any overlap.
TEST(EnginePool, a_job_is_never_on_two_threads) {
    EnginePool pool(4);
    const auto job = std::make_shared<CountingJob>(2000);
    auto finished = job->finished();
    std::vector<std::thread> wakers;
    for (int i = 0; i < 3; ++i) {
        wakers.emplace_back([&] {
            for (int n = 0; n < 500; ++n) pool.wake(job);
        });
    }
    finished.wait();
    for (std::thread& waker : wakers) waker.join();
    pool.stop();
    EXPECT_GE(job->slices(), 2000);
}

/// Waits inside its first slice until told to go on.
class BlockedJob final : public Job {
public:
    NextSlice slice() override {
        if (++slices_ == 1) {
            entered_.set_value();
            go_on_.get_future().wait();
        } else {
            second_.set_value();
        }
        return NextSlice::on_wake();
    }
    std::promise<void> entered_;
    std::promise<void> go_on_;
    std::promise<void> second_;
    std::atomic<int> slices_{0};
};

// A batch may become durable just after the slice looked: the wake must give it another slice.
TEST(EnginePool, a_wake_during_a_slice_gives_another_slice) {
    EnginePool pool(1);
    const auto job = std::make_shared<BlockedJob>();
    pool.wake(job);
    job->entered_.get_future().wait();
    pool.wake(job);
    job->go_on_.set_value();
    job->second_.get_future().wait();
    EXPECT_EQ(job->slices_, 2);
}

/// Asks for a slice a moment later, once.
class TimedJob final : public Job {
public:
    NextSlice slice() override {
        if (++slices_ == 2) done_.set_value();
        return slices_ == 1 ? NextSlice::at(std::chrono::steady_clock::now() + std::chrono::milliseconds(1))
                            : NextSlice::on_wake();
    }
    std::promise<void> done_;
    std::atomic<int> slices_{0};
};

TEST(EnginePool, a_timed_slice_comes_without_a_wake) {
    EnginePool pool(1);
    const auto job = std::make_shared<TimedJob>();
    pool.wake(job);
    job->done_.get_future().wait();
    EXPECT_EQ(job->slices_, 2);
}

/// Takes slices without end until the other has had its own; notes whose they were.
class GreedyJob final : public Job {
public:
    GreedyJob(std::string& turns, char name, int slices) : turns_(turns), name_(name), slices_(slices) {}
    NextSlice slice() override {
        turns_ += name_;
        if (--slices_ == 0) done_.set_value();
        return slices_ > 0 ? NextSlice::at_once() : NextSlice::on_wake();
    }
    std::promise<void> done_;

private:
    std::string& turns_;
    const char name_;
    int slices_;
};

// One thread, a run with a thousand slices of backlog and one that comes later with five: it waits for one slice of the
// other each time, not for its backlog.
TEST(EnginePool, a_run_with_a_backlog_lets_every_other_have_its_turn) {
    EnginePool pool(1);
    std::string turns;  // by the one thread only
    const auto gate = std::make_shared<BlockedJob>();
    pool.wake(gate);
    gate->entered_.get_future().wait();
    const auto overloaded = std::make_shared<GreedyJob>(turns, 'o', 1'000);
    const auto other = std::make_shared<GreedyJob>(turns, 'x', 5);
    pool.wake(overloaded);
    pool.wake(other);
    gate->go_on_.set_value();
    overloaded->done_.get_future().wait();
    pool.stop();
    EXPECT_EQ(turns.substr(0, 10), "oxoxoxoxox");
    EXPECT_EQ(turns.size(), 1'005U);
}

TEST(TaskPool, runs_what_is_queued_before_it_stops) {
    std::vector<int> order;
    TaskPool pool(1, 100);
    for (int i = 0; i < 50; ++i) pool.submit([&order, i] { order.push_back(i); });
    pool.stop();
    ASSERT_EQ(order.size(), 50U);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

// The one thread is held, so what is submitted after it waits in the queue of two.
TEST(TaskPool, refuses_requests_beyond_its_queue) {
    std::promise<void> entered;  // outlive the pool's thread
    std::promise<void> go_on;
    TaskPool pool(1, 2);
    pool.submit([&] {
        entered.set_value();
        go_on.get_future().wait();
    });
    entered.get_future().wait();
    EXPECT_TRUE(pool.try_submit([] {}));
    EXPECT_TRUE(pool.try_submit([] {}));
    EXPECT_FALSE(pool.try_submit([] {}));
    go_on.set_value();
}

}  // namespace
}  // namespace replayd::stream
