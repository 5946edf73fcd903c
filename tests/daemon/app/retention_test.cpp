// [retention] on a real daemon: what goes, what stays, how much at a time, and that a name can be used again.

#include "daemon/app/retention.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "daemon/stream/clock.hpp"
#include "harness.hpp"
#include "held_history.hpp"
#include "storage/integrity.hpp"

namespace replayd::test {
namespace {

using app::Retention;

constexpr std::int64_t k_day_ms = 24LL * 3600 * 1000;

void feed(const TestDaemon& daemon, const std::string& stream, std::size_t arrivals, bool end = true) {
    IngestClient client(daemon, true);
    (void)client.hello(stream, {"test-mixed"});
    const auto sent = synthetic_arrivals(arrivals);
    const std::uint64_t next = send_arrivals(client, sent, 0, arrivals, 1'000, 1);
    client.wait_ack(next - 1);
    if (!end) return;
    client.send(protocol::End{next});
    client.wait_ack(next);
    (void)daemon.wait_finished(stream);
}

std::vector<std::string> streams(const TestDaemon& daemon) {
    std::vector<std::string> names;
    const HttpAnswer answer = daemon.get("/api/v1/streams");
    for (const auto& item : answer.body.at("items").as_array()) {
        names.emplace_back(item.at("name").as_string());
    }
    return names;
}

/// Waits until the daemon has exactly these streams.
void wait_streams(const TestDaemon& daemon, const std::vector<std::string>& wanted) {
    while (streams(daemon) != wanted) {
    }
}

void expect_sound(const TestDaemon& daemon) {
    const auto lines = storage::check_history(daemon.config().history_path, true);
    ASSERT_TRUE(lines) << lines.error().message;
    for (const storage::CheckLine& line : *lines) EXPECT_EQ(line.broken, 0) << line.rule << ": " << line.first;
}

// A stream that is over goes by the rule of its name, while another of that name's kind is fed and stays; then the name
// is free again.
TEST(Retention, a_finished_stream_goes_and_an_unfinished_one_stays) {
    TestDaemon daemon([](config::DaemonConfig& config) {
        config.retention.streams = {{"short-*", 0}};
    });
    feed(daemon, "kept", 50);
    feed(daemon, "short-open", 50, false);
    feed(daemon, "short-over", 3'000);
    ASSERT_TRUE(daemon.app().reload(daemon.config()));  // looks again at once
    wait_streams(daemon, {"kept", "short-open"});
    while (daemon.sql("SELECT count(*) FROM stream WHERE name = 'short-over'") != 0) {
    }
    EXPECT_EQ(
        daemon.sql("SELECT count(*) FROM request JOIN run ON run.id = run_id JOIN stream ON stream.id = stream_id "
                   "WHERE name = 'kept'"),
        50);
    EXPECT_EQ(daemon.sql("SELECT sum(arrivals) FROM arrival_batch JOIN stream ON stream.id = stream_id WHERE name = "
                         "'short-open'"),
              50);
    expect_sound(daemon);
    while (daemon.get_text("/metrics").find("\nreplayd_retention_streams_total 1\n") == std::string::npos) {
    }
    feed(daemon, "short-over", 10, false);  // the same name is another stream now
    wait_streams(daemon, {"kept", "short-open", "short-over"});
}

// While the rows of a stream cannot go, since another program holds the history, nobody gets its name.
TEST(Retention, the_name_of_a_stream_that_is_going_is_refused) {
    TestDaemon daemon([](config::DaemonConfig& config) { config.retention.streams = {{"a", 0}}; });
    feed(daemon, "b", 10);
    feed(daemon, "a", 10);
    HeldHistory held(daemon.config().history_path);
    ASSERT_TRUE(daemon.app().reload(daemon.config()));
    wait_streams(daemon, {"b"});
    const HttpAnswer refused = daemon.post("/api/v1/streams", R"({"name":"a","scenarios":["test-mixed"]})");
    EXPECT_EQ(refused.status, 503U);
    EXPECT_EQ(refused.text("detail"), "stream \"a\" is being taken out of the history by [retention]: try again in a "
                                      "while, or choose another name");
    held.let_go();
}

/// A history with two finished streams and an open one, whose retention the test turns by hand.
class RetentionTurns : public testing::Test {
protected:
    RetentionTurns() {
        feed(daemon_, "a", 2'500);
        feed(daemon_, "b", 10);
        feed(daemon_, "c", 10, false);
        daemon_.stop();
    }

    Retention with(config::Retention rules) {
        return {daemon_.config().history_path, std::move(rules),
                {[this](const std::string& name) { return name != busy_; }, [](const storage::StreamOver&) {}}};
    }

    /// Turns until nothing is left to do at `now_ms`; how many turns did something.
    static int turn_all(Retention& retention, std::int64_t now_ms) {
        for (int turns = 0;; ++turns) {
            const std::int64_t before = retention.counts().rows;
            const auto more = retention.turn(now_ms);
            EXPECT_TRUE(more) << more.error().message;
            EXPECT_LE(retention.counts().rows - before, storage::k_prune_step_rows);
            if (!more.value_or(false)) return turns;
        }
    }

    std::vector<std::string> left() {
        daemon_.restart();
        expect_sound(daemon_);
        return streams(daemon_);
    }

    TestDaemon daemon_;
    std::string busy_;
};

TEST_F(RetentionTurns, age_takes_what_is_old_and_over_in_bounded_steps) {
    config::Retention rules;
    rules.keep_days = 2;
    Retention retention = with(rules);
    EXPECT_EQ(turn_all(retention, stream::wall_ms() + k_day_ms), 0);
    EXPECT_GE(turn_all(retention, stream::wall_ms() + 3 * k_day_ms), 3) << "2,500 rows are three steps at least";
    EXPECT_EQ(retention.counts().streams, 2);
    EXPECT_EQ(left(), std::vector<std::string>{"c"});
}

// The first rule that fits a name stands in for keep_days.
TEST_F(RetentionTurns, a_rule_of_a_name_goes_before_the_general_one) {
    config::Retention rules;
    rules.keep_days = 1;
    rules.streams = {{"a", 100}, {"*", 0}};
    Retention retention = with(rules);
    turn_all(retention, stream::wall_ms() + 5 * k_day_ms);
    EXPECT_EQ(left(), (std::vector<std::string>{"a", "c"}));
}

// A limit of the size takes the oldest only, until the rest fits.
TEST_F(RetentionTurns, size_takes_the_oldest_until_the_rest_fits) {
    auto pruner = storage::Pruner::open(daemon_.config().history_path);
    ASSERT_TRUE(pruner);
    config::Retention rules;
    rules.keep_bytes = *pruner->used_bytes() - 1;
    Retention retention = with(rules);
    turn_all(retention, stream::wall_ms());
    EXPECT_LE(*pruner->used_bytes(), rules.keep_bytes);
    EXPECT_EQ(left(), (std::vector<std::string>{"b", "c"}));
}

// What the daemon says is not over stays, whatever the file says; the next one goes.
TEST_F(RetentionTurns, a_stream_that_the_daemon_still_works_on_stays) {
    busy_ = "a";
    config::Retention rules;
    rules.streams = {{"*", 0}};
    Retention retention = with(rules);
    turn_all(retention, stream::wall_ms());
    EXPECT_EQ(left(), (std::vector<std::string>{"a", "c"}));
}

// Cut off in the middle, a removal goes on after the next start, although the rules would keep the stream by then.
TEST_F(RetentionTurns, a_removal_that_was_cut_off_is_finished_later) {
    config::Retention rules;
    rules.keep_days = 1;
    {
        Retention retention = with(rules);
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(*retention.turn(stream::wall_ms() + 2 * k_day_ms));
    }
    EXPECT_EQ(left(), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(daemon_.sql("SELECT count(*) < 2500 FROM request JOIN run ON run.id = run_id JOIN stream ON stream.id = "
                          "stream_id WHERE name = 'a'"),
              1);
    daemon_.stop();
    rules.keep_days = 1'000;
    Retention retention = with(rules);
    turn_all(retention, stream::wall_ms());
    EXPECT_EQ(left(), (std::vector<std::string>{"b", "c"}));
}

// A history that cannot be read is told, and looked at again the next time.
TEST_F(RetentionTurns, trouble_of_the_history_is_an_error_and_not_the_end) {
    const std::string path = daemon_.config().history_path;
    std::filesystem::rename(path, path + ".away");
    config::Retention rules;
    rules.streams = {{"*", 0}};
    Retention retention = with(rules);
    const auto turned = retention.turn(stream::wall_ms());
    ASSERT_FALSE(turned);
    EXPECT_EQ(turned.error().message, "no history at " + path + ": name the file that the daemon writes");
    std::filesystem::rename(path + ".away", path);
    EXPECT_GT(turn_all(retention, stream::wall_ms()), 0);
}

}  // namespace
}  // namespace replayd::test
