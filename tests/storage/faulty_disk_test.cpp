// The history on a disk that fails: what is answered meanwhile, and that it heals by itself. tests/trust tries every
// operation; here are the cases with their words.
#include "tests/faults/faulty_disk.hpp"

#include <gtest/gtest.h>

#include "storage/integrity.hpp"
#include "storage/stepped_history.hpp"
#include "tests/storage/sample.hpp"

namespace replayd::storage {
namespace {

using faults::Fault;
using faults::FaultKind;

/// A history on a faulty disk, with a clock that the test moves.
class FaultyDiskTest : public testing::Test {
protected:
    FaultyDiskTest() { open(Durability::normal); }

    void open(Durability durability) {
        HistoryOptions options;
        options.path = "/disk/history.sqlite";
        options.durability = durability;
        options.start_check = StartCheck::always;
        options.now = [this] { return now_; };
        history_ = must(SteppedHistory::open(std::move(options)));
    }

    /// The answer to an append, once the writer has had its turn.
    std::string append(std::uint64_t seq) {
        std::string answer = "no answer";
        history_->append_batch(1, sample_batch(seq), [&answer](Result<void> done) { answer = error_of(done); });
        while (answer == "no answer") (void)history_->write_waiting();
        return answer;
    }

    std::size_t stored() { return must(history_->batches(1, 1, 100)).size(); }

    faults::FaultyDisk disk_;
    std::chrono::steady_clock::time_point now_{};
    std::unique_ptr<SteppedHistory> history_;
};

TEST_F(FaultyDiskTest, a_full_disk_stores_nothing_says_so_and_heals_without_a_write_of_a_client) {
    sample_run(*history_);
    EXPECT_EQ(append(1), "(no error)");
    disk_.set_capacity(disk_.bytes_used());
    EXPECT_EQ(append(2),
              "history /disk/history.sqlite: database or disk is full; free disk space, or raise the size limit of the "
              "history");
    EXPECT_TRUE(history_->trouble());
    EXPECT_EQ(stored(), 1U);
    EXPECT_FALSE(history_->write_waiting());  // not before a second has passed
    disk_.set_capacity(std::nullopt);
    now_ += std::chrono::seconds(2);
    EXPECT_TRUE(history_->write_waiting());
    EXPECT_FALSE(history_->trouble());
    EXPECT_EQ(append(2), "(no error)");
}

TEST_F(FaultyDiskTest, a_disk_that_stays_full_is_tried_once_a_second) {
    sample_run(*history_);
    disk_.set_capacity(disk_.bytes_used());
    EXPECT_NE(append(1), "(no error)");
    const std::int64_t failed = history_->counters().failed_commits;
    for (int second = 0; second < 5; ++second) {
        now_ += std::chrono::seconds(1);
        EXPECT_TRUE(history_->write_waiting());
        EXPECT_FALSE(history_->write_waiting());
    }
    EXPECT_EQ(history_->counters().failed_commits, failed + 5);
    EXPECT_TRUE(history_->trouble());
}

// With `full` every commit is synced; with `normal` the log reaches the disk at the next checkpoint.
TEST_F(FaultyDiskTest, full_durability_survives_power_loss) {
    history_.reset();
    open(Durability::full);
    sample_run(*history_);
    for (std::uint64_t seq = 1; seq <= 5; ++seq) EXPECT_EQ(append(seq), "(no error)");
    Random random(7);
    disk_.lose_power(random);
    history_->abandon();
    open(Durability::full);
    EXPECT_EQ(stored(), 5U);
}

TEST_F(FaultyDiskTest, normal_durability_survives_a_kill_and_stays_sound_without_power) {
    sample_run(*history_);
    for (std::uint64_t seq = 1; seq <= 5; ++seq) EXPECT_EQ(append(seq), "(no error)");
    disk_.kill();
    history_->abandon();
    open(Durability::normal);
    EXPECT_EQ(stored(), 5U);
    EXPECT_EQ(append(6), "(no error)");
    Random random(7);
    disk_.lose_power(random);
    history_->abandon();
    open(Durability::normal);
    for (const CheckLine& line : must(check_history("/disk/history.sqlite", true)))
        EXPECT_EQ(line.broken, 0) << line.rule;
}

// A page of zeros where a table was: found at the start, told with the way out, and not written over.
TEST_F(FaultyDiskTest, a_damaged_file_is_refused_as_it_is) {
    sample_run(*history_);
    EXPECT_EQ(append(1), "(no error)");
    history_.reset();
    faults::DiskImage image = disk_.image();
    std::string& file = image.at("/disk/history.sqlite");
    for (std::size_t at = 4096 * 2; at < 4096 * 9; ++at) file[at] = 0;
    disk_.load(image);
    HistoryOptions options;
    options.path = "/disk/history.sqlite";
    options.start_check = StartCheck::always;
    const auto refused = History::open(std::move(options));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::io);
    EXPECT_EQ(refused.error().message.find("history /disk/history.sqlite: it is damaged: "), 0U) << error_of(refused);
    EXPECT_NE(
        refused.error().message.find(
            "; it is left as it is: restore a backup (replayctl backup makes them), or save what can be read with: "
            "sqlite3 /disk/history.sqlite .recover | sqlite3 NEW, and start with NEW"),
        std::string::npos)
        << error_of(refused);
    EXPECT_EQ(disk_.image().at("/disk/history.sqlite"), file);
}

TEST_F(FaultyDiskTest, a_stream_is_there_with_its_runs_or_not_at_all) {
    StreamRow stream;
    stream.name = "both";
    RunRow run;
    run.scenario = "pd";
    const auto plans = sample_plans();
    const Scenario scenario = sample_scenario();
    std::int64_t failures = 0;
    for (std::int64_t at = 1;; ++at) {
        disk_.set_fault(Fault{FaultKind::io_error, at, false});
        const auto added = history_->add_stream_with_runs(stream, {{run, plans, scenario}, {run, plans, scenario}});
        const bool struck = disk_.struck();
        disk_.set_fault(std::nullopt);
        if (added && !struck) break;
        ASSERT_LT(at, 100);
        failures += added ? 0 : 1;
        const auto streams = must(history_->streams());
        EXPECT_EQ(streams.size(), added ? 1U : 0U);
        if (added) break;
    }
    EXPECT_GT(failures, 0);
    EXPECT_EQ(must(history_->unfinished_runs(must(history_->streams())[0].id)).size(), 2U);
}

}  // namespace
}  // namespace replayd::storage
