// The durable log against a real history file: what is refused, in which words, and that nothing refused is logged.

#include "daemon/stream/arrival_log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>

namespace replayd::stream {
namespace {

Arrival arrival(const std::string& id, std::int64_t at_ns) {
    Arrival result;
    result.id = id;
    result.at = VirtualTime(at_ns);
    result.prompt = Tokens(10);
    result.output = Tokens(2);
    return result;
}

protocol::ArrivalBatch batch(std::uint64_t seq, std::vector<Arrival> arrivals,
                             std::optional<VirtualTime> watermark = std::nullopt) {
    return {seq, std::move(arrivals), watermark};
}

class ArrivalLogTest : public testing::Test {
protected:
    ArrivalLogTest() {
        path_ = testing::TempDir() + "arrival_log_" + std::to_string(getpid()) + ".db";
        std::filesystem::remove(path_);
        storage::HistoryOptions options;
        options.path = path_;
        history_ = std::move(*storage::History::open(options));
        storage::StreamRow row;
        row.name = "s";
        stream_id_ = history_->add_stream(row)->id;
        log_ = make_log({});
    }
    ~ArrivalLogTest() override {
        history_.reset();
        std::filesystem::remove(path_);
    }

    std::shared_ptr<ArrivalLog> make_log(LogTail tail) {
        return std::make_shared<ArrivalLog>(*history_, stream_id_, "s", tail,
                                            ArrivalLog::Events{[this] {
                                                                   const std::lock_guard lock(mutex_);
                                                                   ++events_;
                                                                   changed_.notify_all();
                                                               },
                                                               [this] {
                                                                   const std::lock_guard lock(mutex_);
                                                                   ++end_ready_;
                                                                   changed_.notify_all();
                                                               }});
    }

    void wait_durable(std::uint64_t seq) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return log_->status().durable.seq >= seq; });
    }

    void wait_end_ready() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return end_ready_ > 0; });
    }

    std::string refused(protocol::ArrivalBatch wanted, std::int64_t granted = 1000) {
        const auto refusal = log_->accept(std::move(wanted), {granted, 0});
        return refusal ? refusal->failure.code + ": " + refusal->failure.message : std::string("taken");
    }

    std::string path_;
    std::unique_ptr<storage::History> history_;
    std::int64_t stream_id_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    int events_ = 0;
    int end_ready_ = 0;
    std::shared_ptr<ArrivalLog> log_;
};

TEST_F(ArrivalLogTest, accepted_batches_become_durable_in_order) {
    EXPECT_EQ(refused(batch(1, {arrival("a", 5)})), "taken");
    EXPECT_EQ(refused(batch(2, {arrival("b", 5), arrival("c", 9)}, VirtualTime(20))), "taken");
    wait_durable(2);
    const LogStatus status = log_->status();
    EXPECT_EQ(status.durable.arrivals, 3);
    EXPECT_EQ(status.durable.watermark, VirtualTime(20));
    EXPECT_EQ(status.first_arrival, VirtualTime(5));
    EXPECT_EQ(status.inflight_bytes, 0U);
    EXPECT_EQ(status.acked_batches, 2);
}

// A client that lost an ack sends the batch again; its contents were logged the first time.
TEST_F(ArrivalLogTest, a_batch_sent_again_changes_nothing) {
    EXPECT_EQ(refused(batch(1, {arrival("a", 5)})), "taken");
    wait_durable(1);
    EXPECT_EQ(refused(batch(1, {arrival("a", 5)})), "taken");
    EXPECT_EQ(log_->status().accepted_arrivals, 1);
}

// Each refusal leaves the log as it was; the last batch shows that seq 2 is still the next.
TEST_F(ArrivalLogTest, wrong_batches_are_refused_by_name_and_not_logged) {
    ASSERT_EQ(refused(batch(1, {arrival("a", 100)}, VirtualTime(200))), "taken");
    wait_durable(1);
    EXPECT_EQ(refused(batch(3, {arrival("b", 300)})),
              "sequence_gap: batch.seq is 3: expected 2; send again from batch 2");
    EXPECT_EQ(
        refused(batch(2, {arrival("b", 150), arrival("c", 160), arrival("d", 250)})),
        "invalid_argument: batch 2: 2 of 3 arrivals are earlier than the stream's watermark of 200 ns, the first is "
        "\"b\" at 150 ns: expected no arrival before the watermark; none was taken");
    EXPECT_EQ(refused(batch(2, {}, VirtualTime(199))),
              "invalid_argument: batch 2: watermark_ns is 199: expected 200 or more, the stream's watermark");
    EXPECT_EQ(refused(batch(2, {arrival("b", 5'000'000'000'000'000'000)})),
              "invalid_argument: batch 2: its latest time is 5000000000000000000 ns: expected at most "
              "4611686018427387904 ns after the stream's epoch");
    EXPECT_EQ(
        refused(batch(2, {arrival("b", 300), arrival("c", 300)}), 2),
        "over_credit: batch 2 has 2 arrivals: expected at most the 1 that are left of the credit; wait for an ack "
        "with more");
    EXPECT_EQ(log_->status().counts.rejected, 7);
    EXPECT_EQ(refused(batch(2, {arrival("b", 300)})), "taken");
    wait_durable(2);
    EXPECT_EQ(log_->status().durable.arrivals, 2);
}

TEST_F(ArrivalLogTest, nothing_follows_an_end) {
    ASSERT_EQ(refused(batch(1, {arrival("a", 1)})), "taken");
    EXPECT_EQ(log_->accept_end(5)->failure.message, "end.seq is 5: expected 2; send again from batch 2");
    EXPECT_FALSE(log_->accept_end(2));
    wait_end_ready();
    EXPECT_FALSE(log_->accept_end(2));  // again
    EXPECT_FALSE(log_->accept_end(std::nullopt));
    EXPECT_EQ(refused(batch(2, {arrival("b", 2)})),
              "failed_state: batch 2: stream \"s\" has ended: expected nothing after its end");
    EXPECT_EQ(end_ready_, 1);
    log_->end_committed(std::nullopt);
    EXPECT_TRUE(log_->status().durable.ended);
}

// A second log on the same rows stands for a restart: nothing is in memory, everything comes from the file.
TEST_F(ArrivalLogTest, batches_are_read_from_memory_or_from_the_file_alike) {
    for (std::uint64_t seq = 1; seq <= 40; ++seq) {
        ASSERT_EQ(refused(batch(seq, {arrival("r" + std::to_string(seq), static_cast<std::int64_t>(seq))})), "taken");
    }
    wait_durable(40);
    const auto recovered = make_log({40, 40, VirtualTime(40), false});
    std::uint64_t next = 1;
    while (next <= 40) {
        const auto from_memory = log_->fetch(next);
        const auto from_file = recovered->fetch(next);
        ASSERT_TRUE(from_memory && from_file);
        ASSERT_EQ(from_memory->size(), from_file->size());
        for (std::size_t i = 0; i < from_file->size(); ++i) {
            EXPECT_EQ((*from_file)[i].seq, next++);
            EXPECT_EQ(*(*from_file)[i].arrivals, *(*from_memory)[i].arrivals);
            EXPECT_EQ((*from_file)[i].watermark, (*from_memory)[i].watermark);
        }
    }
    EXPECT_TRUE(log_->fetch(41)->empty());
    log_->release_before(41);
    EXPECT_EQ(log_->fetch(40)->size(), 1U);  // released batches come from the file
}

/// A history whose appends wait until the test answers them.
class HeldHistory final : public storage::History {
public:
    using Done = std::function<void(Result<void>)>;
    void append_batch(std::int64_t, storage::LoggedBatch, Done done) override { waiting.push_back(std::move(done)); }
    Result<storage::StreamRow> add_stream(const storage::StreamRow& stream) override { return stream; }
    Result<storage::AddedStream> add_stream_with_runs(const storage::StreamRow& stream,
                                                      const std::vector<storage::NewRun>&) override {
        return storage::AddedStream{stream, {}};
    }
    Result<void> update_stream(const storage::StreamRow&) override { return {}; }
    Result<storage::RunRow> add_run(const storage::RunRow& run, const std::vector<MemoryPlan>&,
                                    const Scenario&) override {
        return run;
    }
    void add_requests(std::int64_t, std::vector<RequestRecord>) override {}
    void add_window(std::int64_t, std::vector<WindowRecord>) override {}
    void add_residuals(std::int64_t, std::vector<ResidualWindow>) override {}
    void finish_run(std::int64_t, storage::RunTotals, Done) override {}
    void refuse_rows() override {}
    void probe(std::function<void()> answered) override { answered(); }
    Result<std::vector<storage::StreamRow>> streams() override { return {}; }
    Result<std::vector<storage::RunRow>> unfinished_runs(std::int64_t) override { return {}; }
    Result<std::vector<storage::LoggedBatch>> batches(std::int64_t, std::uint64_t, std::size_t) override { return {}; }
    Result<void> flush() override { return {}; }
    storage::HistoryCounters counters() const override { return {}; }
    std::optional<Error> trouble() const override { return std::nullopt; }

    std::vector<Done> waiting;
};

// Batch 1 is stored, 2 fails on a full disk, 3 was behind it: both are taken back, the clients of before must connect
// again, and one that does goes on with batch 2. Every arrival is counted once.
TEST(ArrivalLogTrouble, a_failed_commit_takes_back_what_was_behind_it_and_the_log_goes_on) {
    HeldHistory history;
    const auto log = std::make_shared<ArrivalLog>(history, 1, "s", LogTail{}, ArrivalLog::Events{[] {}, [] {}});
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
        EXPECT_FALSE(log->accept(batch(seq, {arrival("r", static_cast<std::int64_t>(seq))}), {100, 0}));
    }
    EXPECT_FALSE(log->accept_end(4));
    history.waiting[0]({});
    history.waiting[1](fail(Code::unavailable, "disk full"));
    const std::string sentence =
        "stream \"s\" cannot be logged: disk full; what was acknowledged is safe: connect again later and go on from "
        "where the welcome says";
    EXPECT_EQ(log->accept(batch(2, {arrival("r", 2)}), {100, 1})->failure.message, sentence);  // 3 is on its way
    history.waiting[2](fail(Code::failed_state, "a gap"));
    EXPECT_EQ(log->status().failures, 1U);
    EXPECT_EQ(log->accept(batch(4, {arrival("r", 4)}), {100, 0})->failure.code, "unavailable");  // of before
    EXPECT_EQ(log->accept_end(4, 0)->failure.message, sentence);
    EXPECT_FALSE(log->accept(batch(2, {arrival("r", 2)}), {100, 1}));
    history.waiting[3]({});
    const LogStatus status = log->status();
    EXPECT_EQ(status.durable.seq, 2U);
    EXPECT_FALSE(status.trouble);
    EXPECT_EQ(status.counts.received, 6);
    EXPECT_EQ(status.counts.stored, 2);
    EXPECT_EQ(status.counts.rejected, 4);
    EXPECT_TRUE(status.counts.balanced());
    EXPECT_FALSE(log->accept_end(3, 1));
}

}  // namespace
}  // namespace replayd::stream
