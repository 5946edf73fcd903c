#pragma once
// The real programs: replayd on a port and a history of its own, replayctl as a person calls it.

#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <vector>

#include "daemon/net/client.hpp"
#include "tests/system/process.hpp"

namespace replayd::testing {

/// What a program that has ended left behind.
struct Outcome {
    int status = -1;
    std::string output;
    std::string errors;
};

/// A mixed and a prefill/decode cluster of the built-in scenarios.
[[nodiscard]] const std::vector<std::string>& two_scenarios();

/// The path of a program of this build: "replayd", "replayctl".
[[nodiscard]] std::string program(const std::string& name);

/// Runs any program to its end.
Outcome run_program(const TemporaryDirectory& directory, const std::vector<std::string>& arguments);
/// Runs replayctl with --json, expects success, and parses what it prints.
boost::json::value replayctl(const TemporaryDirectory& directory, std::vector<std::string> arguments);
/// Rows of a SELECT on a history, read by `replayctl query`.
boost::json::array query(const TemporaryDirectory& directory, const std::string& db, const std::string& sql);

/// A generated trace with conversations of several turns and shared prefixes in the native format.
void generate_trace(const TemporaryDirectory& directory, const std::string& path, int requests);

/// A daemon that can be killed and started again on the same port and history.
class RunningDaemon {
public:
    /// Starts it, with `flags` after those that the fixture needs.
    explicit RunningDaemon(const TemporaryDirectory& directory, std::vector<std::string> flags = {});

    [[nodiscard]] const std::string& db() const { return db_; }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] net::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
    [[nodiscard]] Process& process() { return *process_; }

    /// Any request; a failed test when there is no answer.
    [[nodiscard]] net::HttpResponse ask(const std::string& method, const std::string& target,
                                        const std::string& body = "",
                                        const std::string& content_type = "application/json") const;
    /// The parsed answer to a GET that must succeed.
    [[nodiscard]] boost::json::value get(const std::string& target) const;
    /// POST that must succeed.
    boost::json::value post(const std::string& target, const std::string& body = "{}") const;
    /// Durable arrivals of a stream; 0 while it does not exist.
    [[nodiscard]] std::int64_t arrivals(const std::string& stream) const;

    void start();
    void kill();
    /// SIGTERM; expects a drained end with status 0.
    void terminate();

private:
    const TemporaryDirectory& directory_;
    const std::uint16_t port_;
    const std::string db_;
    std::vector<std::string> arguments_;
    std::unique_ptr<Process> process_;
    int starts_ = 0;
};

}  // namespace replayd::testing
