// Moments of runs that lie behind, and where two runs part: each against the engine alone.

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "daemon/stream/checkpoints.hpp"
#include "daemon/stream/run_replay.hpp"
#include "harness.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/moment.hpp"
#include "replay/sim/no_sink.hpp"

namespace replayd::test {
namespace {

namespace json = boost::json;

std::shared_ptr<const CompiledScenario> compiled_toml(const std::string& toml) {
    return compile(*parse_scenario(toml, "test")).value();
}

/// As test-mixed, with steps that take longer.
std::string slower_toml() {
    std::string toml = k_mixed_toml;
    const auto change = [&toml](const std::string& from, const std::string& to) { toml.replace(toml.find(from), from.size(), to); };
    change("test-mixed", "test-slower");
    change("step_us = 5000", "step_us = 9000");
    return toml;
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
                EXPECT_EQ(replica.at("running").as_array().size(), std::min<std::size_t>(100, expected.replicas[r].running.size()));
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
    const HttpAnswer forked =
        daemon_.post("/api/v1/runs/1/fork", json::serialize(json::object{{"scenario", "test-slower"}, {"at_ns", moment.ns}}));
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
    EXPECT_EQ(difference.at("hash_before").as_string(), engine_moment(slower_toml(), arrivals_, parts).hash.to_string());
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
    EXPECT_EQ(detail("/api/v1/runs/1/at?at_ns=999000000000000000").substr(0, 57), "at_ns is \"999000000000000000\": expected an integer from 0");
    EXPECT_EQ(detail("/api/v1/runs/1/at?listed=-1").substr(0, 13), "listed is \"-1");
    EXPECT_EQ(daemon_.get("/api/v1/runs/77/at").status, 404U);
    EXPECT_EQ(detail("/api/v1/difference?a=1"), "b is missing: expected the ids of two runs of one stream, ?a=ID&b=ID");
}

/// A log in memory, in batches of 100.
class MemoryFeed final : public stream::RunFeed {
public:
    explicit MemoryFeed(const std::vector<Arrival>& arrivals) {
        for (std::size_t i = 0; i < arrivals.size(); i += 100) {
            const auto from = arrivals.begin() + static_cast<std::ptrdiff_t>(i);
            const auto to = arrivals.begin() + static_cast<std::ptrdiff_t>(std::min(i + 100, arrivals.size()));
            auto batch = std::make_shared<const std::vector<Arrival>>(from, to);
            const VirtualTime watermark = batch->back().at;
            batches_.push_back({batches_.size() + 1, std::move(batch), watermark});
        }
    }
    Result<std::vector<stream::FeedBatch>> fetch(std::uint64_t seq) override {
        if (seq > batches_.size()) return std::vector<stream::FeedBatch>();
        return std::vector{batches_[seq - 1]};
    }
    bool ends_with(std::uint64_t seq) override { return seq == batches_.size(); }
    stream::Pacer pacer() override { return stream::Pacer(0); }
    stream::WallTime now() override { return {}; }
    void on_run_progress() override {}

private:
    std::vector<stream::FeedBatch> batches_;
};

// From any checkpoint a replay comes to the same state as from the beginning.
TEST(RunReplay, goes_on_from_checkpoints) {
    const auto arrivals = synthetic_arrivals(900);
    MemoryFeed feed(arrivals);
    stream::RunIdentity identity;
    identity.compiled = compiled_toml(slower_toml());
    identity.before.push_back({compiled_toml(k_mixed_toml), arrivals[500].at});
    const auto replayed_to = [&](stream::RunReplay&& replay, VirtualTime to) {
        for (;;) {
            const auto there = replay.step(to);
            if (!there) throw std::runtime_error(there.error().message);
            if (*there) return replay.checkpoint();
        }
    };
    const VirtualTime end = arrivals[890].at;
    const auto whole = replayed_to(stream::RunReplay(identity, feed), end);
    for (const std::size_t i : {0U, 99U, 100U, 250U, 500U, 501U, 880U}) {
        const auto checkpoint = replayed_to(stream::RunReplay(identity, feed), arrivals[i].at);
        EXPECT_EQ(checkpoint.at, arrivals[i].at);
        const auto from_there = replayed_to(stream::RunReplay(identity, feed, checkpoint), end);
        EXPECT_EQ(from_there.run->hash(), whole.run->hash()) << i;
        EXPECT_EQ(from_there.arrivals, whole.arrivals);
    }
}

// Few are kept, spread over the run: from any moment the nearest one behind is at most two strides away.
TEST(Checkpoints, are_few_and_spread) {
    stream::Checkpoints checkpoints;
    const auto run = std::make_shared<const replayd::Run>(compiled_toml(k_mixed_toml), no_sink());
    constexpr std::int64_t k_arrivals = 10'000'000;
    constexpr std::int64_t k_step = 512;
    for (std::int64_t arrivals = k_step; arrivals <= k_arrivals; arrivals += k_step) {
        if (checkpoints.wants(1, arrivals)) checkpoints.keep(1, {VirtualTime(arrivals), {}, arrivals, 0, run});
    }
    std::set<std::int64_t> kept;
    for (std::int64_t arrivals = k_step; arrivals <= k_arrivals; arrivals += k_step) {
        if (const auto latest = checkpoints.latest(1, VirtualTime(arrivals))) {
            EXPECT_LE(latest->at, VirtualTime(arrivals));
            kept.insert(latest->arrivals);
        }
    }
    EXPECT_LE(kept.size(), stream::Checkpoints::k_per_run_max);
    EXPECT_GE(kept.size(), stream::Checkpoints::k_per_run_max / 2);
    std::int64_t last = 0;
    for (const std::int64_t arrivals : kept) {
        EXPECT_LE(arrivals - last, k_arrivals / 4);
        last = arrivals;
    }
    EXPECT_FALSE(checkpoints.latest(2, VirtualTime(k_arrivals)));
    for (std::int64_t id = 2; id < 10; ++id) checkpoints.keep(id, {VirtualTime(1), {}, 1, 0, run});
    EXPECT_FALSE(checkpoints.latest(1, VirtualTime(k_arrivals)));  // asked for longest ago
}

}  // namespace
}  // namespace replayd::test
