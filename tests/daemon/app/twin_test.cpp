// Runs that come and go while a stream lasts, two runs compared, and forecasts: each against the engine alone.

#include <gtest/gtest.h>

#include "harness.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"
#include "slower_scenario.hpp"

namespace replayd::test {
namespace {

namespace json = boost::json;

/// The hash of a run that is test-mixed up to `at` and goes on as test-slower.
std::string forked_hash(const std::vector<Arrival>& arrivals, VirtualTime at) {
    struct Sink final : RecordSink {
        void on_request(RequestRecord&&) override {}
        void on_window(WindowRecord&&) override {}
    } sink;
    Run before(compile(*parse_scenario(k_mixed_toml, "test")).value(), sink);
    std::size_t offered = 0;
    for (; offered < arrivals.size() && arrivals[offered].at < at; ++offered) before.offer(arrivals[offered]);
    before.advance(at);
    Run run = before.fork(compile(*parse_scenario(slower_toml(), "test")).value(), sink).value();
    for (; offered < arrivals.size(); ++offered) run.offer(arrivals[offered]);
    run.finish();
    return run.hash().to_string();
}

class TwinTest : public testing::Test {
protected:
    TwinTest() : arrivals_(synthetic_arrivals(900)) {
        EXPECT_EQ(daemon_.post("/api/v1/scenarios", slower_toml(), "application/toml").status, 201U);
    }
    /// The first half is in the log; the run that the stream began with has taken it.
    void stream_half(IngestClient& client) {
        (void)client.hello("t", {"test-mixed"});
        const std::uint64_t next = send_arrivals(client, arrivals_, 0, half_, 50, 1);
        client.wait_ack(next - 1);
        next_ = next;
        (void)daemon_.wait_stream("t", [](const json::object& stream) { return stream.at("backlog_arrivals") == 0; });
    }
    void stream_rest(IngestClient& client) {
        const std::uint64_t end = send_arrivals(client, arrivals_, half_, arrivals_.size(), 50, next_);
        client.send(protocol::End{end});
        client.wait_ack(end);
    }
    [[nodiscard]] std::string add(const std::string& target, const json::object& body) const {
        const HttpAnswer answer = daemon_.post(target, json::serialize(body));
        EXPECT_EQ(answer.status, 201U) << json::serialize(answer.body);
        return std::to_string(answer.body.at("id").as_int64());
    }
    [[nodiscard]] json::value run(const std::string& id) const { return daemon_.get("/api/v1/runs/" + id).body; }

    TestDaemon daemon_;
    std::vector<Arrival> arrivals_;
    std::size_t half_ = 450;
    std::uint64_t next_ = 1;
};

// A scenario that joins late replays what it missed from the log and ends as if it had been there from the start.
TEST_F(TwinTest, late_run_catches_up_and_ends_as_one_from_the_start) {
    IngestClient client(daemon_, true);
    stream_half(client);
    const std::string late = add("/api/v1/streams/t/runs", {{"scenario", "test-pd"}});
    stream_rest(client);
    expect_complete(daemon_, "t", arrivals_);
    EXPECT_EQ(run(late).at("hash").as_string(), engine_hash(k_pd_toml, arrivals_));
}

TEST_F(TwinTest, stream_that_is_over_takes_runs_too) {
    IngestClient client(daemon_, true);
    stream_half(client);
    stream_rest(client);
    (void)daemon_.wait_finished("t");
    (void)add("/api/v1/streams/t/runs", {{"scenario", "test-pd"}});
    expect_complete(daemon_, "t", arrivals_);
}

// The fork is the parent up to the moment, also after a restart, and the parent does not notice.
TEST_F(TwinTest, fork_goes_on_from_the_state_of_its_parent) {
    IngestClient client(daemon_, true);
    stream_half(client);
    const VirtualTime moment = arrivals_[300].at;
    const std::string early = add("/api/v1/runs/1/fork", {{"scenario", "test-slower"}, {"at_ns", moment.ns}});
    const std::string now = add("/api/v1/runs/1/fork", {{"scenario", "test-slower"}});
    const VirtualTime forked_at(run(now).at("forked_at_ns").to_number<std::int64_t>());
    EXPECT_EQ(run(early).at("forked_at_ns"), moment.ns);
    EXPECT_EQ(run(early).at("forked_from"), 1);
    client.close();
    daemon_.restart();
    IngestClient again(daemon_, true);
    EXPECT_EQ(again.hello("t", {}).next_seq, next_);
    stream_rest(again);
    (void)daemon_.wait_finished("t");
    EXPECT_EQ(run("1").at("hash").as_string(), engine_hash(k_mixed_toml, arrivals_));
    EXPECT_EQ(run(early).at("hash").as_string(), forked_hash(arrivals_, moment));
    EXPECT_EQ(run(now).at("hash").as_string(), forked_hash(arrivals_, forked_at));
    EXPECT_EQ(daemon_.sql("SELECT count(*) FROM request WHERE run_id = " + early), arrivals_.size());
}

TEST_F(TwinTest, fork_under_what_cannot_change_is_refused_at_once) {
    IngestClient client(daemon_, true);
    stream_half(client);
    const HttpAnswer refused = daemon_.post("/api/v1/runs/1/fork", R"({"scenario":"test-pd"})");
    EXPECT_EQ(refused.status, 400U);
    EXPECT_EQ(refused.text("detail"), "the run has 1 pools and the changed scenario 2: expected the same number");
    const HttpAnswer later =
        daemon_.post("/api/v1/runs/1/fork", R"({"scenario":"test-slower","at_ns":999000000000000})");
    EXPECT_EQ(later.status, 400U);
    EXPECT_EQ(later.text("detail").substr(0, 40), "at_ns is 999000000000000: expected 1 to ");
    const HttpAnswer unknown = daemon_.post("/api/v1/runs/1/fork", R"({"scenario":"test-slowr"})");
    EXPECT_EQ(unknown.status, 404U);
}

// A stopped run leaves the stream, keeps its rows, and does not come back with the next start.
TEST_F(TwinTest, stopped_run_stays_stopped) {
    IngestClient client(daemon_, true);
    stream_half(client);
    const std::string other = add("/api/v1/streams/t/runs", {{"scenario", "test-slower"}});
    EXPECT_EQ(daemon_.post("/api/v1/runs/1/stop", "").status, 202U);
    const auto stopped = [](const json::object& stream) { return stream.at("runs").at(0).at("state") == "stopped"; };
    (void)daemon_.wait_stream("t", stopped);
    EXPECT_EQ(daemon_.post("/api/v1/runs/1/stop", "").status, 409U);
    client.close();
    daemon_.restart();
    IngestClient again(daemon_, true);
    (void)again.hello("t", {});
    stream_rest(again);
    const json::object stream = daemon_.wait_finished("t");
    EXPECT_TRUE(stopped(stream));
    EXPECT_EQ(run(other).at("state"), "finished");
    EXPECT_LT(daemon_.sql("SELECT count(*) FROM request WHERE run_id = 1").to_number<std::size_t>(), arrivals_.size());
}

// What the comparison says is what SQL finds in the rows of both runs.
TEST_F(TwinTest, comparison_counts_and_explains_the_pairs) {
    IngestClient client(daemon_, true);
    stream_half(client);
    const std::string slower = add("/api/v1/streams/t/runs", {{"scenario", "test-slower"}});
    stream_rest(client);
    (void)daemon_.wait_finished("t");
    const json::value compared = daemon_.get("/api/v1/compare?a=1&b=" + slower + "&limit=5").body;
    const std::string pairs =
        " FROM request AS a JOIN request AS b USING (sequence) WHERE a.run_id = 1 AND b.run_id = " + slower;
    EXPECT_EQ(compared.at("pairs"), arrivals_.size());
    EXPECT_EQ(daemon_.sql("SELECT count(*)" + pairs +
                          " AND (a.finished_ns <> b.finished_ns OR a.first_token_ns <> b.first_token_ns "
                          "OR a.outcome <> b.outcome)"),
              compared.at("differ"));
    EXPECT_EQ(daemon_.sql("SELECT count(*)" + pairs + " AND b.finished_ns > a.finished_ns"), compared.at("b_slower"));
    EXPECT_NEAR(daemon_.sql("SELECT avg(b.finished_ns - a.finished_ns)" + pairs).to_number<double>(),
                compared.at("e2e").at("mean_ns").to_number<double>(), 1);
    EXPECT_EQ(daemon_.sql("SELECT max(b.finished_ns - a.finished_ns)" + pairs), compared.at("e2e").at("max_ns"));
    EXPECT_EQ(daemon_.sql("SELECT sum(b.prefill_queue_ns - a.prefill_queue_ns)" + pairs),
              compared.at("ledger_ns").at("prefill_queue"));
    ASSERT_EQ(compared.at("requests").as_array().size(), 5U);
    const json::value& most = compared.at("requests").at(0);
    EXPECT_EQ(daemon_.sql("SELECT max(abs(b.finished_ns - a.finished_ns))" + pairs),
              std::abs(most.at("e2e_ns").to_number<std::int64_t>()));
    std::int64_t parts = 0;
    for (const auto& part : most.at("ledger_ns").as_object()) parts += part.value().to_number<std::int64_t>();
    EXPECT_EQ(parts, most.at("e2e_ns"));  // the ledger explains the whole difference
    const std::string broken =
        "SELECT min(start_ns) FROM window WHERE histogram_quantile(ttft, 0.99) > 500000000 AND run_id = ";
    EXPECT_EQ(daemon_.sql(broken + slower), compared.at("breaks").at("ttft").at("b_ns"));
    EXPECT_EQ(daemon_.sql(broken + "1"), compared.at("breaks").at("ttft").at("a_ns"));
}

TEST_F(TwinTest, comparison_of_what_cannot_be_paired_is_refused) {
    IngestClient client(daemon_, true);
    stream_half(client);
    EXPECT_EQ(daemon_.get("/api/v1/compare?a=1&b=1").text("detail"),
              "a and b are both run 1: expected two runs of one stream");
    EXPECT_EQ(daemon_.get("/api/v1/compare?a=1").text("detail"),
              "b is missing: expected the ids of two runs of one stream, ?a=ID&b=ID");
    EXPECT_EQ(daemon_.post("/api/v1/streams", R"({"name":"other","scenarios":["test-mixed"]})").status, 201U);
    EXPECT_EQ(daemon_.get("/api/v1/compare?a=1&b=2").text("detail"),
              "runs 1 and 2 replay different streams: expected two runs of one stream, whose requests are the same");
}

// Twenty times today's light traffic breaks two replicas and not forty. The run is asked in the middle of the stream
// and ends with the hash of one that never was.
TEST_F(TwinTest, forecast_names_the_cheapest_remedy_and_leaves_the_run_alone) {
    for (Arrival& arrival : arrivals_) arrival.at.ns *= 10;
    IngestClient client(daemon_, true);
    stream_half(client);
    const HttpAnswer answer = daemon_.post("/api/v1/runs/1/forecast",
                                           R"({"traffic":"ramp","growth":20,"horizon_s":120,"candidates":[)"
                                           R"({"set":["all.replicas=48"]},{"set":["all.replicas=40"]},)"
                                           R"({"scenario":"test-slower"}]})");
    ASSERT_EQ(answer.status, 200U) << json::serialize(answer.body);
    const json::array& lines = answer.body.at("candidates").as_array();
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_FALSE(lines[0].at("holds").as_bool());
    EXPECT_GT(lines[0].at("break_after_ns").to_number<std::int64_t>(), 0);
    EXPECT_EQ(lines[1].at("started_from"), "replay");
    EXPECT_TRUE(lines[1].at("holds").as_bool()) << lines[1];
    EXPECT_TRUE(lines[2].at("holds").as_bool()) << lines[2];
    EXPECT_EQ(lines[3].at("started_from"), "fork");
    EXPECT_LE(lines[3].at("break_after_ns").to_number<std::int64_t>(),
              lines[0].at("break_after_ns").to_number<std::int64_t>());
    EXPECT_EQ(answer.body.at("cheapest"), 2);
    stream_rest(client);
    (void)daemon_.wait_finished("t");
    EXPECT_EQ(run("1").at("hash").as_string(), engine_hash(k_mixed_toml, arrivals_));
    EXPECT_EQ(daemon_.post("/api/v1/runs/1/forecast", "{}").text("detail"),
              "run 1 is over: expected one that this daemon replays");
}

TEST_F(TwinTest, forecast_refuses_what_it_cannot_answer) {
    IngestClient client(daemon_, true);
    stream_half(client);
    const auto detail = [&](const std::string& body) {
        return daemon_.post("/api/v1/runs/1/forecast", body).text("detail");
    };
    EXPECT_EQ(detail(R"({"traffic":"flat"})"), "traffic is \"flat\": expected recent, seasonal or ramp");
    EXPECT_EQ(detail(R"({"traffic":"ramp"})"),
              "growth is missing: expected the rate at the horizon over the rate now, with traffic ramp");
    EXPECT_EQ(detail(R"({"horizon_s":0})"), "horizon_s is 0: expected a number above 0, up to 8.64E4");
    EXPECT_EQ(detail(R"({"candidates":[{"sett":[]}]})"),
              "candidates: key \"sett\" is unknown: expected scenario, set or cost");
    const std::string season = detail(R"({"traffic":"seasonal"})");
    EXPECT_EQ(season.substr(0, 67), "period_s is 86400: expected at most what the stream has behind it, ");
}

}  // namespace
}  // namespace replayd::test
