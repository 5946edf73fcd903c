// Several replayd processes share a stream over a real nats-server: what is split, what happens when one dies, and when
// the server goes and comes back. Hashes are held against one process without NATS.

#include <signal.h>

#include "tests/system/nats_server.hpp"
#include "tests/system/shared_streams.hpp"

namespace replayd::testing {
namespace {

/// A daemon in a directory of its own.
struct Node {
    Node(const std::string& url, const std::string& name, int lease_s)
        : daemon(directory, {"--config", nats_config(directory, url, name, "", lease_s)}) {}
    TemporaryDirectory directory;
    RunningDaemon daemon;
};

class NatsTest : public SharedStreamsTest {
protected:
    void start_nodes(int count, int lease_s) {
        for (int i = 0; i < count; ++i)
            nodes_.push_back(std::make_unique<Node>(server_.url(), "node" + std::to_string(i), lease_s));
    }
    [[nodiscard]] std::vector<std::string> dbs() const {
        std::vector<std::string> paths;
        for (const auto& node : nodes_) paths.push_back(node->daemon.db());
        return paths;
    }
    [[nodiscard]] bool all_durable_at(const Node& node, std::int64_t arrivals) const {
        return wait_until("arrivals are durable", [&] { return node.daemon.arrivals(k_stream) >= arrivals; });
    }
    /// Every scenario has begun somewhere.
    [[nodiscard]] bool all_begun() const {
        return wait_until("every run has begun", [this] {
            std::int64_t begun = 0;
            for (const std::string& db : dbs()) begun += runs_begun(directory_, db, k_stream);
            return begun >= static_cast<std::int64_t>(six_scenarios().size());
        });
    }
    [[nodiscard]] FinishedRuns all_finished() const {
        FinishedRuns found;
        EXPECT_TRUE(wait_until("every run finishes", [&] {
            found = finished_runs(directory_, dbs(), k_stream);
            return found.hashes.size() == six_scenarios().size();
        }));
        return found;
    }
    /// What a node says of who computes the stream's runs: a list of daemon/api.md, or null.
    [[nodiscard]] boost::json::value shared_as_told_by(const Node& node) const {
        return node.daemon.get(std::string("/api/v1/streams/") + k_stream).at("shared");
    }
    /// Whether a node tells that every node computes `each` of the runs, and which of them are its own.
    [[nodiscard]] bool tells_split(std::size_t node, std::int64_t each) const {
        const boost::json::value shared = shared_as_told_by(*nodes_[node]);
        if (!shared.is_array()) return false;
        std::map<std::string, std::int64_t> running;
        for (const boost::json::value& run : shared.as_array()) {
            if (run.at("state") != "running") return false;
            const std::string name(run.at("node").as_string());
            ++running[name];
            if (run.at("here").as_bool() != (name == "node" + std::to_string(node))) return false;
        }
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            if (running["node" + std::to_string(i)] != each) return false;
        }
        return true;
    }
    /// Whether a node tells the hash of every run.
    [[nodiscard]] bool tells_hashes(const Node& node) const {
        const boost::json::value shared = shared_as_told_by(node);
        if (!shared.is_array()) return false;
        std::size_t same = 0;
        for (const boost::json::value& run : shared.as_array()) {
            if (run.at("state") != "finished") continue;
            const auto alone = alone_.find(std::string(run.at("scenario").as_string()));
            if (alone != alone_.end() && std::string(run.at("hash").as_string()) == alone->second) ++same;
        }
        return same == six_scenarios().size();
    }
    /// Every scenario was finished once, with the hash of one process alone, every row is there once.
    void expect_as_alone(const FinishedRuns& found) {
        EXPECT_EQ(found.hashes, alone_);
        for (const auto& [scenario, times] : found.times) EXPECT_EQ(times, 1) << scenario;
        for (const auto& [scenario, db] : found.where) expect_rows_once(directory_, db, k_stream, k_shared_requests);
    }

    TemporaryDirectory server_directory_;
    NatsServer server_{server_directory_};
    std::vector<std::unique_ptr<Node>> nodes_;
};

TEST_F(NatsTest, runs_are_split_evenly_and_those_of_a_killed_process_finish_elsewhere) {
    start_nodes(3, k_lease_s);
    start_client(nodes_[0]->daemon.url());
    feed(k_shared_requests / 2);
    for (const auto& node : nodes_) ASSERT_TRUE(all_durable_at(*node, k_shared_requests / 4));
    ASSERT_TRUE(all_begun());
    for (const std::string& db : dbs()) EXPECT_EQ(runs_begun(directory_, db, k_stream), 2) << db;
    for (const std::size_t node : {0U, 1U, 2U}) {
        ASSERT_TRUE(wait_until("a node tells who has which run", [&] { return tells_split(node, 2); }));
    }
    nodes_[2]->daemon.kill();
    feed(k_shared_requests);
    end_client();
    expect_as_alone(all_finished());
    EXPECT_TRUE(finished_runs(directory_, {nodes_[2]->daemon.db()}, k_stream).hashes.empty());
    for (const int i : {0, 1}) {
        ASSERT_TRUE(wait_until("the stream is over everywhere", [&] {
            return nodes_[static_cast<std::size_t>(i)]
                       ->daemon.get(std::string("/api/v1/streams/") + k_stream)
                       .at("state") == "finished";
        }));
    }
    for (const std::size_t node : {0U, 1U}) {
        ASSERT_TRUE(wait_until("a node tells every hash", [&] { return tells_hashes(*nodes_[node]); }));
    }
    // The killed one comes back, finds its runs taken and finished, and computes nothing again.
    nodes_[2]->daemon.start();
    ASSERT_TRUE(
        wait_until("the log is complete", [&] { return nodes_[2]->daemon.arrivals(k_stream) == k_shared_requests; }));
    ASSERT_TRUE(wait_until("it gives its runs up", [&] {
        return nodes_[2]->daemon.get(std::string("/api/v1/streams/") + k_stream).at("state") == "finished";
    }));
    EXPECT_TRUE(finished_runs(directory_, {nodes_[2]->daemon.db()}, k_stream).hashes.empty());
}

TEST_F(NatsTest, a_server_that_goes_and_comes_back_holds_acknowledgements_up_and_loses_nothing) {
    start_nodes(2, k_long_lease_s);
    start_client(nodes_[0]->daemon.url());
    feed(k_shared_requests / 3);
    ASSERT_TRUE(all_durable_at(*nodes_[0], k_shared_requests / 3 - 20));
    ASSERT_TRUE(all_begun());
    server_.kill();
    ASSERT_TRUE(wait_until("it is not ready", [&] { return nodes_[0]->daemon.ask("GET", "/readyz").status == 503; }));
    const std::string metrics = nodes_[0]->daemon.ask("GET", "/metrics").body;
    EXPECT_NE(metrics.find("\nreplayd_nats_connected 0\n"), std::string::npos);
    feed(k_shared_requests / 3);
    ASSERT_TRUE(wait_until("batches wait for NATS", [&] {
        return nodes_[0]->daemon.ask("GET", "/metrics").body.find("\nreplayd_nats_waiting_batches 0\n") ==
               std::string::npos;
    }));
    EXPECT_LE(nodes_[0]->daemon.arrivals(k_stream), k_shared_requests / 3);
    server_.start();
    ASSERT_TRUE(wait_until("it is ready again", [&] { return nodes_[0]->daemon.ask("GET", "/readyz").status == 200; }));
    feed(k_shared_requests);
    end_client();
    expect_as_alone(all_finished());
}

// nats-server syncs its files now and then: a machine that loses power takes acknowledged messages along. What has come
// from there is durable at the processes, who write it back.
TEST_F(NatsTest, what_a_server_lost_with_its_power_is_written_back) {
    start_nodes(2, k_long_lease_s);
    start_client(nodes_[0]->daemon.url());
    feed(k_shared_requests / 3);
    for (const auto& node : nodes_) ASSERT_TRUE(all_durable_at(*node, k_shared_requests / 3 - 20));
    ASSERT_TRUE(all_begun());
    server_.kill();
    server_.keep_store();
    server_.start();
    feed(k_shared_requests / 3);
    ASSERT_TRUE(all_durable_at(*nodes_[0], 2 * (k_shared_requests / 3) - 20));
    server_.kill();
    server_.lose_what_came_since();
    server_.start();
    feed(k_shared_requests);
    end_client();
    const FinishedRuns found = all_finished();
    EXPECT_EQ(found.hashes, alone_);
    for (const auto& [scenario, db] : found.where) expect_rows_once(directory_, db, k_stream, k_shared_requests);
    std::string said;
    for (const auto& node : nodes_) said += node->daemon.process().errors();
    EXPECT_NE(said.find("event=shared_log_restored"), std::string::npos) << said;
}

// The client's process dies with everything that it had on the way; the client goes on at another one.
TEST_F(NatsTest, a_client_goes_on_at_another_process) {
    start_nodes(2, k_lease_s);
    start_client(nodes_[0]->daemon.url());
    feed(k_shared_requests / 2);
    ASSERT_TRUE(all_durable_at(*nodes_[0], k_shared_requests / 4));
    nodes_[0]->daemon.kill();
    client().signal(SIGKILL);
    std::vector<std::string> arguments = {"stream",   directory_ / "trace.jsonl", "--stream", k_stream, "--daemon",
                                          nodes_[1]->daemon.url(), "--batch", "20", "--wait"};
    for (const std::string& scenario : six_scenarios()) arguments.insert(arguments.end(), {"--scenario", scenario});
    replayctl(directory_, arguments);
    expect_as_alone(all_finished());
    EXPECT_EQ(finished_runs(directory_, {nodes_[1]->daemon.db()}, k_stream).hashes, alone_);
}

}  // namespace
}  // namespace replayd::testing
