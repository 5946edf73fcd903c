// Three replayd processes on three machines in miniature, with nats-server on a fourth: one is killed, one is cut off
// from the network. Six scenarios of one stream end with the hashes of one process alone; nothing is lost, nothing
// double.

#include <signal.h>

#include <boost/json/array.hpp>

#include "tests/system/nats_server.hpp"
#include "tests/system/network_namespaces.hpp"
#include "tests/system/shared_streams.hpp"

namespace replayd::testing {
namespace {

constexpr int k_nodes = 3;

class NatsNamespacesTest : public SharedStreamsTest {
protected:
    void SetUp() override {
        if (const std::string trouble = spaces_.make(k_nodes); !trouble.empty()) {
            GTEST_SKIP() << "no network namespaces here: " << trouble;
        }
        SharedStreamsTest::SetUp();
        server_ = std::make_unique<NatsServer>(home_, "", spaces_.host_address());
        for (int i = 0; i < k_nodes; ++i) start_node(i);
        start_client("http://127.0.0.1:8080", spaces_.inside(0));
        feed(k_shared_requests / 2);
        for (int i = 0; i < k_nodes; ++i) ASSERT_TRUE(durable_at(i, k_shared_requests / 4));
        ASSERT_TRUE(wait_until("two runs have begun everywhere", [this] {
            std::int64_t fewest = INT64_MAX;
            for (int i = 0; i < k_nodes; ++i) fewest = std::min(fewest, runs_begun(home_, db(i), k_stream));
            return fewest == 2;
        }));
    }
    void start_node(int number) {
        const std::string name = "node" + std::to_string(number);
        std::vector<std::string> arguments = spaces_.inside(number);
        for (const std::string& word :
             {program("replayd"), std::string("--listen"), std::string("127.0.0.1:8080"), std::string("--db"),
              db(number), std::string("--port-file"), home_ / (name + ".port"), std::string("--config"),
              nats_config(home_, server_->url(), name, "", k_lease_s)}) {
            arguments.push_back(word);
        }
        nodes_.push_back(std::make_unique<Process>(arguments, home_ / name));
        ASSERT_TRUE(wait_until("replayd listens", [&] {
            return !read_file(home_ / (name + ".port")).empty() || !nodes_.back()->running();
        }));
        ASSERT_TRUE(nodes_.back()->running()) << nodes_.back()->errors();
    }
    [[nodiscard]] std::string db(int number) const { return home_ / ("node" + std::to_string(number) + ".sqlite"); }
    [[nodiscard]] bool durable_at(int number, std::int64_t arrivals) const {
        return wait_until("arrivals are durable at node " + std::to_string(number), [&] {
            return query(home_, db(number), "SELECT coalesce(sum(arrivals), 0) FROM arrival_batch")
                       .at(0).at(0).to_number<std::int64_t>() >= arrivals;
        });
    }
    /// Waits for all runs; each was finished once, with the right hash, and its rows are there once.
    void expect_as_alone() {
        FinishedRuns found;
        const std::vector<std::string> dbs = {db(0), db(1), db(2)};
        ASSERT_TRUE(wait_until("every run finishes", [&] {
            found = finished_runs(home_, dbs, k_stream);
            return found.hashes.size() == six_scenarios().size();
        }));
        EXPECT_EQ(found.hashes, alone_);
        for (const auto& [scenario, times] : found.times) EXPECT_EQ(times, 1) << scenario;
        for (const auto& [scenario, where] : found.where) expect_rows_once(home_, where, k_stream, k_shared_requests);
    }
    [[nodiscard]] bool said(int number, const std::string& event) const {
        return nodes_[static_cast<std::size_t>(number)]->errors().find("event=" + event) != std::string::npos;
    }

    TemporaryDirectory home_;
    NetworkNamespaces spaces_{home_};
    std::unique_ptr<NatsServer> server_;
    std::vector<std::unique_ptr<Process>> nodes_;
};

TEST_F(NatsNamespacesTest, kill_9_of_one_machine_moves_its_runs_to_the_others) {
    nodes_[2]->signal(SIGKILL);
    EXPECT_EQ(nodes_[2]->wait(), 128 + SIGKILL);
    feed(k_shared_requests);
    end_client();
    expect_as_alone();
    EXPECT_TRUE(finished_runs(home_, {db(2)}, k_stream).hashes.empty());
}

TEST_F(NatsNamespacesTest, a_machine_that_was_cut_off_finds_its_runs_taken_and_stops_them) {
    spaces_.plug(2, false);
    feed(k_shared_requests);
    end_client();
    expect_as_alone();
    EXPECT_TRUE(finished_runs(home_, {db(2)}, k_stream).hashes.empty());
    spaces_.plug(2, true);
    ASSERT_TRUE(wait_until("it gives its runs up", [this] { return said(2, "shared_run_given_up"); }))
        << nodes_[2]->errors();
    ASSERT_TRUE(durable_at(2, k_shared_requests));
    // What it read when it was back ended none of them a second time.
    EXPECT_TRUE(finished_runs(home_, {db(2)}, k_stream).hashes.empty()) << nodes_[2]->errors();
    EXPECT_FALSE(said(2, "shared_run_differs"));
}

}  // namespace
}  // namespace replayd::testing
