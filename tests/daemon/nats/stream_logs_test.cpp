// The log of a stream in JetStream: each number once, whatever is sent again, at once or by several.

#include "daemon/nats/stream_logs.hpp"

#include "tests/daemon/nats/connected.hpp"

namespace replayd::nats {
namespace {

class StreamLogsTest : public Connected {
protected:
    void SetUp() override {
        logs_ = logs();
        ASSERT_TRUE(logs_->begin(opening_));
    }
    void expect_published(std::uint64_t sequence, const std::string& payload, Published expected) {
        const auto published = logs_->publish(k_stream, sequence, payload);
        ASSERT_TRUE(published) << published.error().message;
        EXPECT_EQ(*published, expected) << sequence << " " << payload;
    }
    [[nodiscard]] std::string at(std::uint64_t sequence) {
        return logs_->message(k_stream, sequence)->value_or("nothing");
    }

    const std::string k_stream = "a.stream";
    const stream::Opening opening_{
        k_stream, {{"one", "toml \"1\"\n"}, {"two", "toml 2"}}, 2.5, 1'700'000'000'000, "{}", "1.0", "sampled:0.5"};
    std::unique_ptr<StreamLogs> logs_;
};

TEST_F(StreamLogsTest, the_first_opening_stands) {
    stream::Opening other = opening_;
    other.speed = 7;
    const auto second = logs()->begin(other);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->speed, 2.5);
    ASSERT_EQ(second->scenarios.size(), 2U);
    EXPECT_EQ(second->scenarios[0].toml, "toml \"1\"\n");
    EXPECT_EQ(second->engine_version, "1.0");
    EXPECT_EQ(second->request_rows, "sampled:0.5");
    EXPECT_EQ(logs_->streams().value(), std::vector<std::string>{k_stream});
    EXPECT_EQ(logs_->last(k_stream).value(), 1U);
}

TEST_F(StreamLogsTest, the_same_again_is_harmless_and_something_else_is_refused) {
    expect_published(2, "first", Published::stored);
    expect_published(2, "first", Published::stored);
    expect_published(2, "other", Published::refused);
    expect_published(4, "third", Published::behind);  // a gap
    expect_published(3, "second", Published::stored);
    expect_published(2, "first", Published::stored);  // late
    EXPECT_EQ(logs_->last(k_stream).value(), 3U);
    EXPECT_EQ(at(2), "first");
    EXPECT_EQ(at(3), "second");
    EXPECT_EQ(at(4), "nothing");
}

TEST_F(StreamLogsTest, several_go_out_before_the_first_answer) {
    std::vector<std::string> payloads;
    for (int i = 0; i < 200; ++i) payloads.push_back("payload " + std::to_string(i));
    std::vector<Outgoing> messages;
    for (std::size_t i = 0; i < payloads.size(); ++i) messages.push_back({&k_stream, i + 2, payloads[i]});
    EXPECT_TRUE(logs_->publish_together(messages));
    EXPECT_EQ(logs_->last(k_stream).value(), payloads.size() + 1);
    EXPECT_EQ(at(201), payloads.back());
}

// Without the ids the server would take the third behind somebody else's second.
TEST_F(StreamLogsTest, of_several_nothing_is_stored_behind_a_refused_one) {
    expect_published(2, "somebody else's", Published::stored);
    EXPECT_FALSE(logs_->publish_together({{&k_stream, 2, "ours"}, {&k_stream, 3, "ours, too"}}));
    EXPECT_EQ(logs_->last(k_stream).value(), 2U);
    EXPECT_EQ(at(2), "somebody else's");
}

TEST_F(StreamLogsTest, a_removed_log_is_gone_and_removing_it_again_is_no_error) {
    ASSERT_TRUE(logs_->remove(k_stream));
    ASSERT_TRUE(logs_->remove(k_stream));
    EXPECT_TRUE(logs_->streams()->empty());
    EXPECT_EQ(logs_->opening(k_stream).value(), std::nullopt);
    EXPECT_EQ(logs_->last(k_stream).value(), 0U);
}

TEST_F(StreamLogsTest, a_server_that_is_away_is_an_error_that_may_pass) {
    server_.kill();
    const auto cut_off = logs_->last(k_stream);
    ASSERT_FALSE(cut_off);
    EXPECT_EQ(cut_off.error().code, Code::unavailable) << cut_off.error().message;
    ASSERT_TRUE(testing::wait_until("the cut is noticed", [this] { return connection_->trouble().has_value(); }));
    server_.start();
    ASSERT_TRUE(testing::wait_until("it is back", [this] { return !connection_->trouble(); }));
    EXPECT_EQ(logs_->last(k_stream).value(), 1U);
}

}  // namespace
}  // namespace replayd::nats
