// The publisher keeps order over a server that goes and comes back, and refuses what stands behind a refused batch.

#include "daemon/nats/publisher.hpp"

#include <condition_variable>

#include "tests/daemon/nats/connected.hpp"

namespace replayd::nats {
namespace {

class PublisherTest : public Connected {
protected:
    void SetUp() override {
        ASSERT_TRUE(logs()->begin({k_stream, {{"one", "toml"}}, 0, 0, "", "1.0", {}}));
        publisher_ = std::make_unique<Publisher>(logs(), k_payload_max);
    }
    void publish(std::uint64_t seq, std::string payload, bool stored = false) {
        auto batch = std::make_shared<storage::LoggedBatch>();
        batch->seq = seq;
        batch->payload = std::move(payload);
        publisher_->publish(k_stream, seq, batch, stored, [this, seq](const Result<void>& done) {
            const std::lock_guard lock(mutex_);
            answers_.emplace_back(seq, done ? "" : done.error().message);
            answered_.notify_all();
        });
    }
    [[nodiscard]] std::vector<std::pair<std::uint64_t, std::string>> answers(std::size_t count) {
        std::unique_lock lock(mutex_);
        EXPECT_TRUE(answered_.wait_for(lock, testing::k_patience, [&] { return answers_.size() >= count; }));
        return answers_;
    }

    static constexpr std::int64_t k_payload_max = 100'000;
    const std::string k_stream = "s";
    std::mutex mutex_;
    std::condition_variable answered_;
    std::vector<std::pair<std::uint64_t, std::string>> answers_;
    std::unique_ptr<Publisher> publisher_;  // goes first: it calls back
};

TEST_F(PublisherTest, batches_are_answered_in_order_and_wait_while_the_server_is_away) {
    publish(1, "1");
    EXPECT_EQ(answers(1).size(), 1U);
    server_.kill();
    for (std::uint64_t seq = 2; seq <= 50; ++seq) publish(seq, std::to_string(seq));
    ASSERT_TRUE(testing::wait_until("the cut is noticed", [this] { return connection_->trouble().has_value(); }));
    {
        const std::lock_guard lock(mutex_);
        EXPECT_EQ(answers_.size(), 1U);
    }
    EXPECT_GT(publisher_->depth(), 0U);
    server_.start();
    const auto all = answers(50);
    for (std::size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(all[i].first, i + 1);
        EXPECT_EQ(all[i].second, "");
    }
    EXPECT_EQ(logs()->last(k_stream).value(), 51U);
}

TEST_F(PublisherTest, behind_a_refused_batch_everything_is_refused_until_the_stream_goes_on_there) {
    ASSERT_TRUE(logs()->publish(k_stream, 2, "another client's"));
    publish(1, "ours");
    publish(2, "ours, too");
    const auto refused = answers(2);
    EXPECT_EQ(refused[0].second,
              "another client fed stream \"s\" through another replayd: expected one at a time");
    EXPECT_EQ(refused[1].second, "the batch before it was not published");
    publish(1, "another client's", true);  // as the reader brings it
    publish(2, "goes on");
    const auto all = answers(4);
    EXPECT_EQ(all[2].second + all[3].second, "");
    EXPECT_EQ(logs()->last(k_stream).value(), 3U);
}

TEST_F(PublisherTest, a_batch_behind_what_the_log_has_lost_waits_until_that_is_restored) {
    publish(1, "lost", true);  // stored once, and no longer there
    publish(2, "behind it");
    ASSERT_TRUE(testing::wait_until("the gap is met", [this] { return publisher_->met_lost_tail(); }));
    ASSERT_TRUE(logs()->publish(k_stream, 2, "lost"));
    const auto all = answers(2);
    EXPECT_EQ(all[0].second + all[1].second, "");
    EXPECT_EQ(logs()->last(k_stream).value(), 3U);
}

TEST_F(PublisherTest, a_batch_larger_than_the_servers_take_is_refused_with_the_key_to_mend) {
    publish(1, std::string(k_payload_max, 'x'));
    EXPECT_EQ(answers(1)[0].second,
              "batch 1 has 100000 bytes, and the NATS servers take messages of 100000: send smaller batches, or raise "
              "max_payload of nats-server");
}

TEST_F(PublisherTest, stopping_refuses_what_waits) {
    server_.kill();
    publish(1, "1");
    publisher_->stop();
    const auto all = answers(1);
    EXPECT_NE(all[0].second, "");
    publish(2, "2");
    EXPECT_EQ(answers(2)[1].second, "replayd is shutting down");
}

}  // namespace
}  // namespace replayd::nats
