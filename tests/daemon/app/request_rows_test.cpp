// Streams that do not keep a row of every request: what is kept is the same in every run, after a restart and at any
// framing, and everything else about the runs is as if all were kept.

#include <gtest/gtest.h>

#include <future>

#include "harness.hpp"
#include "replay/sim/slo_classes.hpp"
#include "storage/request_policy.hpp"

namespace replayd::test {
namespace {

namespace json = boost::json;

const std::vector<std::string> k_both = {"test-mixed", "test-pd"};

class RequestRowsTest : public testing::Test {
protected:
    void create(const std::string& name, const std::string& policy) {
        const json::object body{
            {"name", name}, {"scenarios", json::array{"test-mixed", "test-pd"}}, {"request_rows", policy}};
        const HttpAnswer answer = daemon_.post("/api/v1/streams", json::serialize(body));
        ASSERT_EQ(answer.status, 201U) << json::serialize(answer.body);
        EXPECT_EQ(answer.text("request_rows"), policy);
    }
    /// Sends everything in batches of `frame` and waits for the runs.
    json::object replay(const std::string& name, std::size_t frame) {
        IngestClient client(daemon_, true);
        (void)client.hello(name, {});
        const std::uint64_t end = send_arrivals(client, arrivals_, 0, arrivals_.size(), frame, 1);
        client.send(protocol::End{end});
        client.wait_ack(end);
        return daemon_.wait_finished(name);
    }
    /// Ids with a row in the run, in order, as SQLite's JSON.
    [[nodiscard]] std::string ids_of(const json::value& run) const {
        return std::string(daemon_
                               .sql("SELECT json_group_array(id) FROM (SELECT id FROM request WHERE run_id = " +
                                    std::to_string(run.at("id").as_int64()) + " ORDER BY sequence)")
                               .as_string());
    }
    [[nodiscard]] std::string sampled_ids(const std::string& policy) const {
        const auto wanted = storage::RequestPolicy::parse(policy).value();
        json::array ids;
        for (const Arrival& arrival : arrivals_) {
            RequestRecord record;
            record.id = arrival.id;
            if (wanted.keeps(record, SloClasses(Scenario{}))) ids.emplace_back(arrival.id);
        }
        return json::serialize(ids);
    }

    TestDaemon daemon_;
    std::vector<Arrival> arrivals_ = synthetic_arrivals(600);
};

TEST_F(RequestRowsTest, a_sample_is_the_same_in_both_runs_and_all_else_is_as_with_every_row) {
    create("whole", "all");
    create("part", "sampled:0.1");
    const json::object whole = replay("whole", 100);
    const json::object part = replay("part", 7);
    const std::string expected = sampled_ids("sampled:0.1");
    ASSERT_NE(expected, "[]");
    const auto kept = static_cast<std::int64_t>(json::parse(expected).as_array().size());
    for (std::size_t i = 0; i < 2; ++i) {
        json::object of_whole = whole.at("runs").at(i).as_object();
        json::object of_part = part.at("runs").at(i).as_object();
        EXPECT_EQ(ids_of(of_part), expected);
        EXPECT_EQ(of_part.at("request_rows_left_out"), 600 - kept);
        EXPECT_EQ(of_whole.at("request_rows_left_out"), 0);
        const std::string counter = "replayd_request_rows_left_out_total{stream=\"part\",scenario=\"" +
                                    std::string(of_part.at("scenario").as_string()) + "\",run=\"" +
                                    std::to_string(of_part.at("id").as_int64()) + "\"} " + std::to_string(600 - kept) +
                                    "\n";
        EXPECT_NE(daemon_.get_text("/metrics").find(counter), std::string::npos) << counter;
        for (const char* key :
             {"hash", "finished", "rejected", "ttft", "tpot", "e2e", "slo_attainment", "output_tokens"}) {
            EXPECT_EQ(of_part.at(key), of_whole.at(key)) << key;
        }
    }
}

TEST_F(RequestRowsTest, a_restart_in_the_middle_keeps_the_same_rows_and_count) {
    create("t", "sampled:0.2");
    {
        IngestClient client(daemon_, true);
        (void)client.hello("t", {});
        client.wait_ack(send_arrivals(client, arrivals_, 0, 300, 10, 1) - 1);
        const auto stopping = std::async(std::launch::async, [this] { daemon_.stop(); });
        EXPECT_EQ(client.wait_close(), 1001);
        stopping.wait();
    }
    daemon_.restart();
    IngestClient client(daemon_, true);
    const auto welcome = client.hello("t", {});
    const std::uint64_t end = send_arrivals(client, arrivals_, 300, 600, 10, welcome.next_seq);
    client.send(protocol::End{end});
    client.wait_ack(end);
    const json::object stream = daemon_.wait_finished("t");
    const std::string expected = sampled_ids("sampled:0.2");
    for (const json::value& run : stream.at("runs").as_array()) {
        EXPECT_EQ(ids_of(run), expected);
        EXPECT_EQ(run.at("request_rows_left_out"),
                  600 - static_cast<std::int64_t>(json::parse(expected).as_array().size()));
    }
}

// test-pd states no objective, so that stream would keep nothing of it.
TEST_F(RequestRowsTest, objective_breaks_need_objectives) {
    const json::object body{{"name", "t"}, {"scenarios", json::array{"test-pd"}}, {"request_rows", "objective_breaks"}};
    const HttpAnswer answer = daemon_.post("/api/v1/streams", json::serialize(body));
    EXPECT_EQ(answer.status, 400U);
    EXPECT_EQ(answer.text("detail"),
              "request_rows is objective_breaks, but scenario \"test-pd\" states no objective: expected [slo] with "
              "ttft_ms or tpot_ms in it, or another request_rows");
}

TEST_F(RequestRowsTest, a_stream_of_objective_breaks_has_rows_of_these_alone) {
    const json::object body{
        {"name", "t"}, {"scenarios", json::array{"test-mixed"}}, {"request_rows", "objective_breaks"}};
    ASSERT_EQ(daemon_.post("/api/v1/streams", json::serialize(body)).status, 201U);
    const json::object stream = replay("t", 50);
    const json::object run = stream.at("runs").at(0).as_object();
    const std::string id = std::to_string(run.at("id").as_int64());
    const std::int64_t rows = daemon_.sql("SELECT count(*) FROM request WHERE run_id = " + id).as_int64();
    const std::int64_t broken =
        daemon_.sql("SELECT sum(finished - within_slo) + sum(rejected) FROM window WHERE run_id = " + id).as_int64();
    EXPECT_GT(rows, 0);
    EXPECT_LT(rows, 600);
    EXPECT_EQ(rows, broken);
    EXPECT_EQ(run.at("request_rows_left_out"), 600 - rows);
}

TEST_F(RequestRowsTest, a_hello_may_name_the_policy) {
    IngestClient client(daemon_, false);
    protocol::Hello hello;
    hello.stream = "t";
    hello.scenarios = k_both;
    hello.request_rows = "none";
    client.send(hello);
    EXPECT_TRUE(std::holds_alternative<protocol::Welcome>(client.receive()));
    EXPECT_EQ(daemon_.get("/api/v1/streams/t").text("request_rows"), "none");
    IngestClient wrong(daemon_, true);
    hello.stream = "u";
    hello.request_rows = "some";
    wrong.send(hello);
    EXPECT_EQ(wrong.wait_failure().first.message,
              "request_rows is \"some\": expected all, none, objective_breaks, or sampled:SHARE with a share above 0 "
              "and below 1, such as sampled:0.01");
}

}  // namespace
}  // namespace replayd::test
