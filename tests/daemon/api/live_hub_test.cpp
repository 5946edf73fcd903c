// The live hub with readers that the test controls: who gets what, when, and how much waits.

#include "daemon/api/live_hub.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd::api {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

class FakeSocket final : public net::WebSocket {
public:
    void send(std::string message, bool binary) override {
        EXPECT_FALSE(binary);
        messages.push_back(json::parse(message));
    }
    void close(std::uint16_t code, std::string /*reason*/) override { close_code = code; }
    void pause_reading(bool /*paused*/) override {}
    std::size_t queued_bytes() const override { return queued; }
    std::string peer() const override { return "test"; }

    /// Messages of one type since the last call.
    std::vector<json::value> take(const char* type) {
        std::vector<json::value> found;
        for (const json::value& message : messages) {
            if (message.at("type") == type) found.push_back(message);
        }
        messages.clear();
        return found;
    }

    std::vector<json::value> messages;
    std::size_t queued = 0;
    std::uint16_t close_code = 0;
};

class LiveHubTest : public testing::Test {
protected:
    LiveHubTest() {
        auto scenario = parse_scenario(built_in_scenarios().begin()->second, "built-in");
        run_.id = 4;
        run_.stream = "s";
        run_.scenario = "c";
        run_.compiled = *compile(std::move(*scenario));
    }

    std::shared_ptr<FakeSocket> connect(const std::string& stream = {}) {
        net::HttpRequest upgrade;
        if (!stream.empty()) upgrade.query["stream"] = stream;
        auto socket = std::make_shared<FakeSocket>();
        sessions_.push_back(hub_.make_session(upgrade));
        sessions_.back()->on_open(socket);
        return socket;
    }

    void tick(int ms = 100) {
        now_ += milliseconds(ms);
        hub_.tick(now_, [this](const std::string& only, const std::function<void(const std::string&)>& deliver) {
            asked_.push_back(only);
            if (answer_streams_) {
                deliver(k_streams);
            } else {
                late_ = deliver;
            }
        });
    }

    void add_windows(int count) {
        for (int i = 0; i < count; ++i) {
            auto window = std::make_shared<WindowRecord>();
            window->start = VirtualTime(next_window_++ * 1000);
            window->length = Duration(1000);
            window->arrived = 1;
            window->pools.resize(run_.compiled->scenario.pools.size());
            hub_.on_window(run_, window);
        }
    }

    static std::int64_t sum(const std::vector<json::value>& messages, const char* key) {
        std::int64_t total = 0;
        for (const json::value& message : messages) {
            for (const json::value& item : message.at("items").as_array()) total += item.at(key).as_int64();
        }
        return total;
    }

    static constexpr const char* k_streams = R"({"type":"streams","items":[]})";
    LiveHub hub_;
    stream::RunIdentity run_;
    std::vector<std::unique_ptr<net::WebSocketSession>> sessions_;
    LiveHub::Clock::time_point now_{std::chrono::seconds(1000)};
    std::vector<std::string> asked_;
    bool answer_streams_ = true;
    std::function<void(const std::string&)> late_;  ///< takes the message that was asked for and not answered
    std::int64_t next_window_ = 0;
};

TEST_F(LiveHubTest, a_new_reader_gets_the_streams_at_once) {
    const auto socket = connect();
    tick();
    EXPECT_EQ(socket->take("streams").size(), 1U);
}

// Nothing changed: the next message comes a second later. A change: at the next tick.
TEST_F(LiveHubTest, streams_come_every_second_or_on_change) {
    const auto socket = connect();
    tick();
    (void)socket->take("streams");
    tick(500);
    EXPECT_EQ(socket->take("streams").size(), 0U);
    hub_.on_streams_changed();
    tick(100);
    EXPECT_EQ(socket->take("streams").size(), 1U);
    tick(1000);
    EXPECT_EQ(socket->take("streams").size(), 1U);
}

// Making the message may take long; meanwhile no second one is asked for.
TEST_F(LiveHubTest, streams_are_not_asked_for_twice) {
    answer_streams_ = false;
    const auto socket = connect();
    tick();
    tick(5000);
    EXPECT_EQ(asked_.size(), 1U);
}

// A reader that comes while a message is being made would learn of a past that was over when it came.
TEST_F(LiveHubTest, a_message_that_was_asked_for_before_a_reader_came_is_not_for_it) {
    answer_streams_ = false;
    const auto before = connect();
    tick();
    const auto after = connect();
    late_(k_streams);
    EXPECT_EQ(before->take("streams").size(), 1U);
    EXPECT_EQ(after->take("streams").size(), 0U);
    answer_streams_ = true;
    tick();
    EXPECT_EQ(after->take("streams").size(), 1U);
}

TEST_F(LiveHubTest, windows_go_out_once_and_only_to_readers_of_the_stream) {
    const auto all = connect();
    const auto same = connect("s");
    const auto other = connect("other");
    add_windows(3);
    tick();
    const auto messages = all->take("windows");
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_EQ(messages[0].at("run"), 4);
    EXPECT_EQ(messages[0].at("items").as_array().size(), 3U);
    EXPECT_EQ(sum(same->take("windows"), "arrived"), 3);
    EXPECT_TRUE(other->take("windows").empty());
    tick();
    EXPECT_TRUE(all->take("windows").empty());
}

// 5,000 windows wait for a reader that takes none: at most 1,000 objects are kept, and no arrival is lost.
TEST_F(LiveHubTest, windows_of_a_slow_reader_merge_and_stay_bounded) {
    const auto socket = connect();
    socket->queued = 10 << 20;
    for (int i = 0; i < 50; ++i) {
        add_windows(100);
        tick();
        EXPECT_LE(hub_.waiting(), k_live_windows_max);
    }
    EXPECT_TRUE(socket->messages.empty());
    socket->queued = 0;
    std::int64_t arrived = 0;
    std::int64_t length = 0;
    for (int i = 0; i < 20; ++i) {
        tick();
        const auto messages = socket->take("windows");
        arrived += sum(messages, "arrived");
        length += sum(messages, "length_ns");
        for (const json::value& message : messages) {
            EXPECT_LE(message.at("items").as_array().size(), k_live_windows_per_message);
        }
    }
    EXPECT_EQ(arrived, 5000);
    EXPECT_EQ(length, 5000 * 1000);
    EXPECT_EQ(hub_.waiting(), 0U);
}

// 100 requests end: the latest 20 are sent, half a second apart, and not again without a change.
// It may be slow for a while, and is told why it goes in the end.
TEST_F(LiveHubTest, a_reader_that_takes_nothing_for_a_minute_is_closed) {
    const auto socket = connect();
    socket->queued = 10 << 20;
    tick();
    now_ += k_live_slow_max - milliseconds(200);
    tick();
    EXPECT_EQ(socket->close_code, 0);
    now_ += milliseconds(200);
    tick();
    EXPECT_EQ(socket->close_code, 1013);
}

TEST_F(LiveHubTest, only_the_latest_requests_go_out_twice_a_second) {
    const auto socket = connect();
    std::vector<RequestRecord> records(100);
    for (std::size_t i = 0; i < records.size(); ++i) records[i].sequence = static_cast<std::int64_t>(i);
    hub_.on_requests(run_, records);
    tick(500);
    const auto messages = socket->take("requests");
    ASSERT_EQ(messages.size(), 1U);
    const json::array& items = messages[0].at("items").as_array();
    ASSERT_EQ(items.size(), k_live_requests_max);
    EXPECT_EQ(items.front().at("sequence"), 80);
    hub_.on_requests(run_, records);
    tick(100);
    EXPECT_TRUE(socket->take("requests").empty());
    tick(500);
    EXPECT_EQ(socket->take("requests").size(), 1U);
    tick(500);
    EXPECT_TRUE(socket->take("requests").empty());
}

TEST_F(LiveHubTest, a_reader_that_talks_is_closed) {
    const auto socket = connect();
    sessions_.back()->on_message("hi", false);
    EXPECT_EQ(socket->close_code, 4400);
}

TEST_F(LiveHubTest, a_reader_that_left_costs_nothing) {
    (void)connect();
    sessions_.back()->on_close("gone");
    add_windows(10);
    EXPECT_EQ(hub_.waiting(), 0U);
}

}  // namespace
}  // namespace replayd::api
