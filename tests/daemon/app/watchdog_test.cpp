// The watchdog on the real io loop, writer and engine pool: whoever is stuck is named, and nobody else.

#include "daemon/app/watchdog.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "daemon/app/io_loop.hpp"
#include "daemon/stream/engine_pool.hpp"
#include "harness.hpp"
#include "storage/history.hpp"

namespace replayd::app {
namespace {

using Names = std::vector<std::string>;

/// A slice that lasts until it is let go.
class StuckJob final : public stream::Job {
public:
    stream::NextSlice slice() override {
        begun.set_value();
        let_go.get_future().wait();
        return stream::NextSlice::on_wake();
    }
    std::promise<void> begun;
    std::promise<void> let_go;
};

class WatchdogTest : public testing::Test {
protected:
    WatchdogTest() : engine_(2) {
        storage::HistoryOptions options;
        options.path = folder_ + "/history.db";
        history_ = std::move(*storage::History::open(options));
        io_.start(std::chrono::hours(1), [] {});
    }
    ~WatchdogTest() override {
        io_.stop();
        history_.reset();
        std::filesystem::remove_all(folder_);
    }

    /// Each part as the daemon asks it; `answers` counts.
    std::vector<VitalPart> parts() {
        return {{"io loop", [this](auto answer) { io_.post(counted(std::move(answer))); }, {}},
                {"writer", [this](auto answer) { history_->probe(counted(std::move(answer))); }, {}},
                {"engines", [this](auto answer) { engine_.probe(counted(std::move(answer))); },
                 [this] { return excused_.load(); }}};
    }

    std::function<void()> counted(std::function<void()> answer) {
        return [this, answer = std::move(answer)] {
            answer();
            const std::lock_guard lock(mutex_);
            ++answers_;
            answered_.notify_all();
        };
    }

    /// Until so many signs of life have come in all.
    void wait_answers(int count) {
        std::unique_lock lock(mutex_);
        ASSERT_TRUE(answered_.wait_for(lock, test::k_patience, [&] { return answers_ >= count; }));
    }

    // Answers may come until the parts below are gone.
    std::mutex mutex_;
    std::condition_variable answered_;
    int answers_ = 0;
    std::atomic<bool> excused_{false};
    const std::string folder_ = test::make_folder();
    IoLoop io_;
    stream::EnginePool engine_;
    std::unique_ptr<storage::History> history_;
};

TEST_F(WatchdogTest, sound_parts_answer_every_round) {
    Watchdog watchdog(parts());
    for (int round = 1; round <= 5; ++round) {
        wait_answers(3 * round);
        EXPECT_EQ(watchdog.check(), Names{});
    }
    wait_answers(18);
}

TEST_F(WatchdogTest, a_stuck_io_loop_is_named_until_it_turns_again) {
    std::promise<void> stuck;
    std::promise<void> let_go;
    io_.post([&] {
        stuck.set_value();
        let_go.get_future().wait();
    });
    stuck.get_future().wait();
    Watchdog watchdog(parts());
    wait_answers(2);
    EXPECT_EQ(watchdog.check(), Names{"io loop"});
    wait_answers(4);
    EXPECT_EQ(watchdog.check(), Names{"io loop"});
    let_go.set_value();
    wait_answers(7);
    EXPECT_EQ(watchdog.check(), Names{});
}

// One engine of two that hangs is enough; the other goes on working meanwhile.
TEST_F(WatchdogTest, a_slice_that_does_not_end_is_named_unless_it_waits_for_the_disk) {
    const auto job = std::make_shared<StuckJob>();
    engine_.wake(job);
    job->begun.get_future().wait();
    Watchdog watchdog(parts());
    wait_answers(2);
    EXPECT_EQ(watchdog.check(), Names{"engines"});
    wait_answers(4);
    excused_ = true;
    EXPECT_EQ(watchdog.check(), Names{});
    wait_answers(6);
    excused_ = false;
    EXPECT_EQ(watchdog.check(), Names{"engines"});
    job->let_go.set_value();
    wait_answers(9);
    EXPECT_EQ(watchdog.check(), Names{});
}

// The writer calls `done` on its own thread: a callback that hangs hangs the writer.
TEST_F(WatchdogTest, a_stuck_writer_is_named_until_it_writes_again) {
    std::promise<void> stuck;
    std::promise<void> let_go;
    history_->probe([&] {
        stuck.set_value();
        let_go.get_future().wait();
    });
    stuck.get_future().wait();
    Watchdog watchdog(parts());
    wait_answers(2);
    EXPECT_EQ(watchdog.check(), Names{"writer"});
    let_go.set_value();
    wait_answers(5);
    EXPECT_EQ(watchdog.check(), Names{});
}

}  // namespace
}  // namespace replayd::app
