// Moments of runs that lie behind, and where two runs part: each against the engine alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "daemon/replayctl/recorded_moments.hpp"
#include "harness.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/moment.hpp"
#include "replay/sim/no_sink.hpp"
#include "slower_scenario.hpp"

namespace replayd::test {
namespace {

namespace json = boost::json;

std::shared_ptr<const CompiledScenario> compiled_toml(const std::string& toml) {
    return compile(*parse_scenario(toml, "test")).value();
}

/// The engine alone, driven to `at`.
Moment engine_moment(const std::string& toml, const std::vector<Arrival>& arrivals, VirtualTime at) {
    Run run(compiled_toml(toml), no_sink());
    for (const Arrival& next : arrivals) run.offer(next);
    run.advance(at);
    return run.moment(1'000'000);
}

class TimeTravelTest : public testing::Test {
protected:
    TimeTravelTest() : arrivals_(synthetic_arrivals(900)) {
        EXPECT_EQ(daemon_.post("/api/v1/scenarios", slower_toml(), "application/toml").status, 201U);
    }
    void stream(std::size_t from, std::size_t to, bool end) {
        IngestClient client(daemon_, true);
        const auto welcome = client.hello("t", {"test-mixed", "test-slower"});
        const std::uint64_t next = send_arrivals(client, arrivals_, from, to, 50, welcome.next_seq);
        if (end) client.send(protocol::End{next});
        client.wait_ack(end ? next : next - 1);
        if (end) (void)daemon_.wait_finished("t");
    }
    [[nodiscard]] json::value at(const std::string& run, VirtualTime time, const std::string& more = "") const {
        const HttpAnswer answer = daemon_.get("/api/v1/runs/" + run + "/at?at_ns=" + std::to_string(time.ns) + more);
        EXPECT_EQ(answer.status, 200U) << json::serialize(answer.body);
        return answer.body;
    }

    TestDaemon daemon_;
    std::vector<Arrival> arrivals_;
};

// Of a run that is over, also after a restart: the replicas hold what they hold in the engine alone.
TEST_F(TimeTravelTest, past_moment_is_what_the_engine_says_of_it) {
    stream(0, arrivals_.size(), true);
    for (int pass = 0; pass < 2; ++pass) {
        for (const std::size_t i : {0, 1, 300, 899}) {
            const VirtualTime time = arrivals_[static_cast<std::size_t>(i)].at + Duration(1);
            const Moment expected = engine_moment(k_mixed_toml, arrivals_, time);
            const json::value found = at("1", time);
            EXPECT_EQ(found.at("hash").as_string(), expected.hash.to_string());
            EXPECT_EQ(found.at("at_ns"), time.ns);
            EXPECT_EQ(found.at("arrived"), expected.snapshot.arrived);
            ASSERT_EQ(found.at("replicas").as_array().size(), expected.replicas.size());
            for (std::size_t r = 0; r < expected.replicas.size(); ++r) {
                const json::value& replica = found.at("replicas").at(r);
                EXPECT_EQ(replica.at("waiting_count"), expected.replicas[r].waiting_count);
                EXPECT_EQ(replica.at("running").as_array().size(),
                          std::min<std::size_t>(100, expected.replicas[r].running.size()));
                EXPECT_EQ(replica.at("kv_blocks_used"), expected.replicas[r].kv_blocks_used);
                EXPECT_EQ(replica.at("steps").as_array().size(), expected.replicas[r].steps.size());
            }
        }
        daemon_.restart();
    }
}

// A live run is looked at where it is; it goes on as if nobody had looked.
TEST_F(TimeTravelTest, live_run_is_looked_at_and_goes_on) {
    stream(0, 450, false);
    (void)daemon_.wait_stream("t", [](const json::object& stream) { return stream.at("backlog_arrivals") == 0; });
    const json::value now = daemon_.get("/api/v1/runs/1/at").body;
    EXPECT_TRUE(now.at("replayed_from_ns").is_null());
    const VirtualTime time(now.at("at_ns").to_number<std::int64_t>());
    EXPECT_EQ(at("1", time).at("hash"), now.at("hash"));
    EXPECT_EQ(at("1", time, "&listed=0").at("replicas").at(0).at("running").as_array().size(), 0U);
    stream(450, arrivals_.size(), true);
    EXPECT_EQ(daemon_.get("/api/v1/runs/1").body.at("hash").as_string(), engine_hash(k_mixed_toml, arrivals_));
}

// The fork is its parent before the moment and itself afterwards; the first difference lies behind the moment.
TEST_F(TimeTravelTest, fork_parts_from_its_parent_where_it_was_changed) {
    stream(0, arrivals_.size(), true);
    const VirtualTime moment = arrivals_[300].at;
    const HttpAnswer forked = daemon_.post(
        "/api/v1/runs/1/fork", json::serialize(json::object{{"scenario", "test-slower"}, {"at_ns", moment.ns}}));
    ASSERT_EQ(forked.status, 201U);
    const std::string fork = std::to_string(forked.body.at("id").as_int64());
    (void)daemon_.wait_finished("t");
    EXPECT_EQ(at(fork, moment).at("hash"), at("1", moment).at("hash"));
    const json::value difference = daemon_.get("/api/v1/difference?a=1&b=" + fork).body;
    ASSERT_FALSE(difference.at("equal").as_bool());
    const VirtualTime parts(difference.at("at_ns").to_number<std::int64_t>());
    EXPECT_GE(parts, moment);
    EXPECT_EQ(at(fork, parts).at("hash"), at("1", parts).at("hash"));
    EXPECT_NE(at(fork, parts + Duration(1)).at("hash"), at("1", parts + Duration(1)).at("hash"));
}

TEST_F(TimeTravelTest, difference_names_the_moment_the_event_and_the_keys) {
    stream(0, arrivals_.size(), true);
    const json::value difference = daemon_.get("/api/v1/difference?a=1&b=2").body;
    ASSERT_FALSE(difference.at("equal").as_bool());
    const VirtualTime parts(difference.at("at_ns").to_number<std::int64_t>());
    EXPECT_EQ(difference.at("hash_before").as_string(), engine_moment(k_mixed_toml, arrivals_, parts).hash.to_string());
    EXPECT_EQ(difference.at("hash_before").as_string(),
              engine_moment(slower_toml(), arrivals_, parts).hash.to_string());
    EXPECT_NE(engine_moment(slower_toml(), arrivals_, parts + Duration(1)).hash,
              engine_moment(k_mixed_toml, arrivals_, parts + Duration(1)).hash);
    ASSERT_FALSE(difference.at("a_did").at("event").is_null());  // the faster one has its first step behind first
    EXPECT_FALSE(difference.at("a_did").at("event").at("request").is_null());
    EXPECT_GT(difference.at("b_did").at("same_later_ns").to_number<std::int64_t>(), parts.ns);
    const json::array expected = {json::object{{"key", "cost.step_us"}, {"a", "5000"}, {"b", "9000"}}};
    EXPECT_EQ(json::serialize(difference.at("scenario")), json::serialize(expected));
    const json::value same = daemon_.get("/api/v1/difference?a=1&b=1").body;
    EXPECT_TRUE(same.at("equal").as_bool());
}

TEST_F(TimeTravelTest, refuses_moments_and_runs_that_are_not_there) {
    stream(0, arrivals_.size(), true);
    const auto detail = [&](const std::string& target) { return daemon_.get(target).text("detail"); };
    EXPECT_EQ(detail("/api/v1/runs/1/at?at_ns=999000000000000000").substr(0, 57),
              "at_ns is \"999000000000000000\": expected an integer from 0");
    EXPECT_EQ(detail("/api/v1/runs/1/at?listed=-1").substr(0, 13), "listed is \"-1");
    EXPECT_EQ(daemon_.get("/api/v1/runs/77/at").status, 404U);
    EXPECT_EQ(detail("/api/v1/difference?a=1"), "b is missing: expected the ids of two runs of one stream, ?a=ID&b=ID");
}

// A history file alone says what the daemon says of it: of runs that are over and of a fork, at moments and where they
// part.
TEST_F(TimeTravelTest, history_file_alone_says_the_same) {
    stream(0, arrivals_.size(), true);
    const json::object wanted{{"scenario", "test-slower"}, {"at_ns", arrivals_[300].at.ns}};
    ASSERT_EQ(daemon_.post("/api/v1/runs/1/fork", json::serialize(wanted)).status, 201U);
    (void)daemon_.wait_finished("t");
    const auto reader = storage::Reader::open(daemon_.config().history_path).value();
    const auto scenarios = ctl::ScenarioSource::create({}).value();
    for (const std::int64_t run : {1, 2, 3}) {
        for (const std::size_t i : {0U, 299U, 300U, 301U, 700U}) {
            const json::value expected = at(std::to_string(run), arrivals_[i].at);
            EXPECT_EQ(*ctl::recorded_moment(*reader, scenarios, run, arrivals_[i].at.ns, 100), expected)
                << run << " at " << i;
        }
        const json::value last = daemon_.get("/api/v1/runs/" + std::to_string(run) + "/at").body;
        EXPECT_EQ(*ctl::recorded_moment(*reader, scenarios, run, std::nullopt, 100), last) << run;
    }
    for (const auto& [a, b] : {std::pair{1, 2}, {1, 3}, {3, 2}, {2, 2}}) {
        const std::string runs = "a=" + std::to_string(a) + "&b=" + std::to_string(b);
        EXPECT_EQ(*ctl::recorded_difference(*reader, scenarios, a, b), daemon_.get("/api/v1/difference?" + runs).body)
            << runs;
    }
}

// Of a run that has not ended a file says how it stands where the log ends: as the daemon, once it has come so far.
TEST_F(TimeTravelTest, history_file_alone_goes_as_far_as_its_log) {
    stream(0, 450, false);
    const auto scenarios = ctl::ScenarioSource::create({}).value();
    const auto asked = ctl::recorded_moment(*storage::Reader::open(daemon_.config().history_path).value(), scenarios, 1,
                                            std::nullopt, 0);
    ASSERT_TRUE(asked) << asked.error().message;
    EXPECT_EQ(asked->at("at_ns"), arrivals_[449].at.ns);
    stream(450, arrivals_.size(), true);
    EXPECT_EQ(at("1", arrivals_[449].at).at("hash"), asked->at("hash"));
}

}  // namespace
}  // namespace replayd::test
