#pragma once
// What the tests of shared streams have in common: six scenarios, what one process makes of a trace with them, a client
// that is fed bit by bit, and what several histories hold together.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/system/history_checks.hpp"
#include "tests/system/running_daemon.hpp"

namespace replayd::testing {

/// Built-in scenarios, of a few GPUs each.
[[nodiscard]] const std::vector<std::string>& six_scenarios();

/// Leases, in seconds. A busy machine keeps a sound process from its turns for seconds; were a lease shorter, its runs
/// would be another's, too. Where nobody dies no lease has to run out; where somebody does, the test waits for the
/// shorter one.
inline constexpr int k_long_lease_s = 60;
inline constexpr int k_lease_s = 20;

/// "[nats]" of a configuration, written to a file of the directory; its path. `more`: further lines of the table.
[[nodiscard]] std::string nats_config(const TemporaryDirectory& directory, const std::string& url,
                                      const std::string& node, const std::string& more = "",
                                      int lease_s = k_long_lease_s);

/// The finished runs of a stream in several histories, and how often a scenario was finished.
struct FinishedRuns {
    Hashes hashes;
    std::map<std::string, int> times;
    std::map<std::string, std::string> where;  ///< history, by scenario
};
[[nodiscard]] FinishedRuns finished_runs(const TemporaryDirectory& directory, const std::vector<std::string>& dbs,
                                         const std::string& stream);

/// How many runs of the stream a history has begun.
[[nodiscard]] std::int64_t runs_begun(const TemporaryDirectory& directory, const std::string& db,
                                      const std::string& stream);

/// Each finished run of the stream in this history has a row for each arrival, once.
void expect_rows_once(const TemporaryDirectory& directory, const std::string& db, const std::string& stream,
                      std::int64_t arrivals);

/// A trace of `k_shared_requests` requests and the hashes that one replayd without NATS comes to.
class SharedStreamsTest : public ::testing::Test {
protected:
    static constexpr int k_shared_requests = 3'000;
    static constexpr const char* k_stream = "shared";

    void SetUp() override;
    /// `replayctl stream` at this address, with these words before the command.
    void start_client(const std::string& url, const std::vector<std::string>& before = {});
    /// Gives the client the next `count` requests.
    void feed(int count);
    void end_client();
    [[nodiscard]] Process& client() { return *client_; }

    TemporaryDirectory directory_;
    Hashes alone_;

private:
    std::unique_ptr<Process> client_;
    std::string text_;
    std::size_t fed_bytes_ = 0;
};

}  // namespace replayd::testing
