// The way of a trace through the whole daemon: every arrival has one row per run, and the result depends on nothing
// but the arrivals and the scenario.

#include <gtest/gtest.h>

#include <future>

#include "daemon/stream/ingest_session.hpp"
#include "harness.hpp"

namespace replayd::test {
namespace {

const std::vector<std::string> k_both = {"test-mixed", "test-pd"};

struct Framing {
    std::size_t frame;
    bool binary;
};

class StreamingTest : public testing::TestWithParam<Framing> {};

// Same rows and same hash for any frame size and encoding; the engine without a daemon is the reference.
TEST_P(StreamingTest, gives_one_row_per_arrival_and_run_and_the_hash_of_the_engine) {
    const TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(700);
    IngestClient client(daemon, GetParam().binary);
    const auto welcome = client.hello("t", k_both);
    EXPECT_EQ(welcome.next_seq, 1U);
    EXPECT_EQ(welcome.runs.size(), 2U);
    const std::uint64_t end = send_arrivals(client, arrivals, 0, arrivals.size(), GetParam().frame, 1);
    client.send(protocol::End{end});
    EXPECT_EQ(client.wait_ack(end).arrivals, 700);
    expect_complete(daemon, "t", arrivals);
}

INSTANTIATE_TEST_SUITE_P(Framings, StreamingTest,
                         testing::Values(Framing{1, true}, Framing{7, true}, Framing{1000, true}, Framing{1, false},
                                         Framing{7, false}, Framing{1000, false}),
                         [](const auto& test) {
                             return (test.param.binary ? "protobuf_" : "json_") + std::to_string(test.param.frame);
                         });

std::int64_t metric(const TestDaemon& daemon, const std::string& name) {
    const std::string text = daemon.get_text("/metrics");
    const std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stoll(text.substr(at + name.size() + 2));
}

/// Runs a call on the thread that writes the history.
void hold_writer(TestDaemon& daemon, const std::function<void()>& call) {
    for (app::VitalPart& part : daemon.app().vital_parts()) {
        if (part.name == "writer") return part.ask(call);
    }
    FAIL() << "no writer among the vital parts";
}

// The writer is held for a moment: of 2,000 batches of one arrival each the daemon takes as many as one client may have
// on the way, reads no further, and goes on when the first are on disk.
TEST(Streaming, many_small_batches_wait_for_the_history) {
    TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(2'000);
    IngestClient client(daemon, true);
    (void)client.hello("t", k_both);
    std::promise<void> held;
    std::promise<void> let_go;
    hold_writer(daemon, [&] {
        held.set_value();
        let_go.get_future().wait();
    });
    held.get_future().wait();
    const std::uint64_t end = send_arrivals(client, arrivals, 0, arrivals.size(), 1, 1);
    const std::string on_the_way = "replayd_stream_inflight_batches{stream=\"t\"}";
    while (metric(daemon, on_the_way) <= static_cast<std::int64_t>(stream::k_inflight_batches_max)) {
    }
    for (int i = 0; i < 5; ++i) EXPECT_EQ(metric(daemon, on_the_way), stream::k_inflight_batches_max + 1);
    let_go.set_value();
    client.send(protocol::End{end});
    EXPECT_EQ(client.wait_ack(end).arrivals, 2'000);
    expect_complete(daemon, "t", arrivals);
}

// The client loses its connection after some acks; the welcome says where to go on.
TEST(Resume, a_client_that_comes_back_goes_on_where_the_daemon_says) {
    const TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(300);
    {
        IngestClient client(daemon, true);
        (void)client.hello("t", k_both);
        client.wait_ack(send_arrivals(client, arrivals, 0, 100, 10, 1) - 1);
        client.close();
    }
    IngestClient client(daemon, true);
    const auto welcome = client.hello("t", {});
    EXPECT_EQ(welcome.next_seq, 11U);
    EXPECT_EQ(welcome.arrivals, 100);
    EXPECT_EQ(welcome.watermark, arrivals[99].at);
    const std::uint64_t end = send_arrivals(client, arrivals, 100, 300, 10, 11);
    client.send(protocol::End{end});
    client.wait_ack(end);
    expect_complete(daemon, "t", arrivals);
}

// A careful client sends everything again from the start; nothing is double.
TEST(Resume, batches_sent_again_are_acked_and_change_nothing) {
    const TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(100);
    IngestClient client(daemon, true);
    (void)client.hello("t", k_both);
    client.wait_ack(send_arrivals(client, arrivals, 0, 100, 10, 1) - 1);
    (void)send_arrivals(client, arrivals, 0, 100, 10, 1);
    EXPECT_EQ(client.wait_ack(10).arrivals, 100);
    client.send(protocol::End{11});
    client.wait_ack(11);
    expect_complete(daemon, "t", arrivals);
}

// The second client takes over at once, since the first may be a broken connection that looks alive.
TEST(Resume, a_second_client_takes_the_stream_over) {
    const TestDaemon daemon;
    IngestClient first(daemon, true);
    (void)first.hello("t", k_both);
    IngestClient second(daemon, false);
    (void)second.hello("t", {});
    const auto [failure, code] = first.wait_failure();
    EXPECT_EQ(failure.message, "another client said hello for stream \"t\" and feeds it now: expected one at a time");
    EXPECT_EQ(code, 4409);
    second.send(protocol::End{1});
    second.wait_ack(1);
}

// The daemon goes down in the middle and comes back: unfinished runs are rebuilt from the log.
TEST(Recovery, a_restart_in_the_middle_gives_the_same_rows_and_hashes) {
    TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(400);
    {
        IngestClient client(daemon, true);
        (void)client.hello("t", k_both);
        client.wait_ack(send_arrivals(client, arrivals, 0, 200, 7, 1) - 1);
        const auto stopping = std::async(std::launch::async, [&daemon] { daemon.stop(); });
        EXPECT_EQ(client.wait_close(), 1001);
        stopping.wait();
    }
    daemon.restart();
    IngestClient client(daemon, true);
    const auto welcome = client.hello("t", {});
    EXPECT_EQ(welcome.arrivals, 200);
    EXPECT_EQ(welcome.runs.size(), 2U);
    const std::uint64_t end = send_arrivals(client, arrivals, 200, 400, 7, welcome.next_seq);
    client.send(protocol::End{end});
    client.wait_ack(end);
    expect_complete(daemon, "t", arrivals);
    client.close();
    daemon.restart();
    const HttpAnswer past = daemon.get("/api/v1/runs?stream=t");
    ASSERT_EQ(past.body.at("items").as_array().size(), 2U);
    EXPECT_EQ(past.body.at("items").at(0).at("state"), "finished");
    EXPECT_EQ(
        past.body.at("items").at(0).at("finished").as_int64() + past.body.at("items").at(0).at("rejected").as_int64(),
        400);
}

// Stopped after the end but, as far as the test can tell, before the runs were done: they finish after the start.
TEST(Recovery, runs_of_an_ended_stream_finish_after_a_restart) {
    TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(100);
    {
        IngestClient client(daemon, true);
        (void)client.hello("t", k_both);
        EXPECT_EQ(daemon.post("/api/v1/streams/t/pause", "").status, 200U);
        client.send(protocol::ArrivalBatch{1, arrivals, std::nullopt});
        client.send(protocol::End{2});
        client.wait_ack(2);
        client.close();
    }
    daemon.restart();
    EXPECT_EQ(daemon.get("/api/v1/streams/t").text("state"), "paused");
    EXPECT_EQ(daemon.post("/api/v1/streams/t/resume", "").status, 200U);
    expect_complete(daemon, "t", arrivals);
}

// Paused before the first arrival, no run may take any; resumed, all are served. The pace after the pause is so slow
// that no run can be over before the answer to the resume is written.
TEST(Pause, a_paused_stream_takes_arrivals_but_does_not_run_them) {
    const TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(100);
    IngestClient client(daemon, true);
    (void)client.hello("t", k_both);
    const HttpAnswer paused = daemon.post("/api/v1/streams/t/pause", "");
    EXPECT_EQ(paused.text("state"), "paused");
    EXPECT_EQ(paused.body.at("runs").at(0).at("state"), "paused");
    client.send(protocol::ArrivalBatch{1, arrivals, std::nullopt});
    client.send(protocol::End{2});
    client.wait_ack(2);
    const HttpAnswer waiting = daemon.get("/api/v1/streams/t");
    EXPECT_EQ(waiting.body.at("backlog_arrivals"), 100);
    EXPECT_EQ(waiting.body.at("runs").at(0).at("finished"), 0);
    EXPECT_EQ(daemon.post("/api/v1/streams/t/speed", R"({"speed": 0.000001})").status, 200U);
    EXPECT_EQ(daemon.post("/api/v1/streams/t/resume", "").text("state"), "ended");
    EXPECT_EQ(daemon.post("/api/v1/streams/t/speed", R"({"speed": 0})").status, 200U);
    expect_complete(daemon, "t", arrivals);
}

// A pace changes when things happen, not what happens: at 1000 times real time, then at full speed.
TEST(Pace, a_paced_run_gives_the_same_result) {
    const TestDaemon daemon;
    const auto arrivals = synthetic_arrivals(200);
    IngestClient client(daemon, true);
    (void)client.hello("t", k_both, 1000);
    const std::uint64_t end = send_arrivals(client, arrivals, 0, 200, 50, 1);
    client.send(protocol::End{end});
    client.wait_ack(end);
    const HttpAnswer faster = daemon.post("/api/v1/streams/t/speed", R"({"speed": 0})");
    EXPECT_EQ(faster.body.at("speed").to_number<double>(), 0.0);
    expect_complete(daemon, "t", arrivals);
}

// With a backlog of 50 the client must wait for acks that give more credit; all of it gets through.
TEST(Credit, a_client_that_keeps_to_its_credit_gets_everything_through) {
    const TestDaemon daemon([](config::DaemonConfig& config) { config.backlog_arrivals_max = 50; });
    const auto arrivals = synthetic_arrivals(500);
    IngestClient client(daemon, true);
    std::int64_t allowed = static_cast<std::int64_t>(client.hello("t", k_both).credit);
    EXPECT_EQ(allowed, 50);
    std::uint64_t seq = 0;
    for (std::int64_t sent = 0; sent < 500; sent += 10) {
        while (sent + 10 > allowed) {
            const auto ack = std::get<protocol::Ack>(client.receive());
            allowed = ack.arrivals + static_cast<std::int64_t>(ack.credit);
        }
        const auto begin = arrivals.begin() + sent;
        client.send(protocol::ArrivalBatch{++seq, {begin, begin + 10}, std::nullopt});
    }
    client.send(protocol::End{++seq});
    client.wait_ack(seq);
    expect_complete(daemon, "t", arrivals);
}

}  // namespace
}  // namespace replayd::test
