#include "tests/free_port.hpp"
#include "tests/source_paths.hpp"
#include "tests/system/running_daemon.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>

#include <boost/json/parse.hpp>

namespace replayd::testing {
namespace {

namespace json = boost::json;

constexpr const char* k_port_file = "port";

json::value parsed(const std::string& text, const std::string& origin) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    EXPECT_FALSE(error) << origin << " is not JSON: " << text;
    return value;
}

}  // namespace

const std::vector<std::string>& two_scenarios() {
    static const std::vector<std::string> names = {"llama-3.1-8b-h100-mixed", "llama-3.1-8b-h100-pd"};
    return names;
}

std::string program(const std::string& name) { return std::string(REPLAYD_BINARY_DIR) + "/" + name; }

Outcome run_program(const TemporaryDirectory& directory, const std::vector<std::string>& arguments) {
    static std::atomic<int> runs = 0;
    Process process(arguments, directory / ("run-" + std::to_string(++runs)));
    const int status = process.wait();
    return {status, process.output(), process.errors()};
}

json::value replayctl(const TemporaryDirectory& directory, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), program("replayctl"));
    arguments.emplace_back("--json");
    const Outcome outcome = run_program(directory, arguments);
    EXPECT_EQ(outcome.status, 0) << arguments[1] << ": " << outcome.errors;
    return outcome.status == 0 ? parsed(outcome.output, "the output of replayctl") : json::value(json::object());
}

json::array query(const TemporaryDirectory& directory, const std::string& db, const std::string& sql) {
    const json::value table = replayctl(directory, {"query", sql, "--db", db});
    const json::value* rows = table.as_object().if_contains("rows");
    EXPECT_NE(rows, nullptr) << sql;
    return rows == nullptr ? json::array() : rows->as_array();
}

void generate_trace(const TemporaryDirectory& directory, const std::string& path, int requests) {
    replayctl(directory, {"generate", path, "--count", std::to_string(requests), "--seed", "11", "--rate", "20",
                          "--turns", "3", "--system-tokens", "300", "--format", "replayd"});
}

RunningDaemon::RunningDaemon(const TemporaryDirectory& directory, std::vector<std::string> flags)
    : directory_(directory), port_(free_port()), db_(directory / "history.sqlite") {
    arguments_ = {program("replayd"), "--listen",    "127.0.0.1:" + std::to_string(port_),
                  "--db",             db_,           "--port-file",
                  directory / k_port_file};
    arguments_.insert(arguments_.end(), flags.begin(), flags.end());
    start();
}

void RunningDaemon::start() {
    std::filesystem::remove(directory_ / k_port_file);
    process_ = std::make_unique<Process>(arguments_, directory_ / ("daemon-" + std::to_string(++starts_)));
    const bool listening = wait_until("replayd listens", [this] {
        return !read_file(directory_ / k_port_file).empty() || !process_->running();
    });
    ASSERT_TRUE(listening && process_->running()) << "replayd ended at its start: " << process_->errors();
}

void RunningDaemon::kill() {
    process_->signal(SIGKILL);
    EXPECT_EQ(process_->wait(), 128 + SIGKILL);
}

void RunningDaemon::terminate() {
    process_->signal(SIGTERM);
    EXPECT_EQ(process_->wait(), 0) << process_->errors();
}

net::HttpResponse RunningDaemon::ask(const std::string& method, const std::string& target, const std::string& body,
                                     const std::string& content_type) const {
    auto answer = net::http_request(endpoint(), method, target, body, content_type, k_patience);
    EXPECT_TRUE(answer) << method << " " << target << ": " << answer.error().message
                        << "; it said: " << process_->errors();
    return answer ? std::move(*answer) : net::HttpResponse{};
}

json::value RunningDaemon::get(const std::string& target) const {
    const net::HttpResponse answer = ask("GET", target);
    EXPECT_EQ(answer.status, 200u) << target << ": " << answer.body;
    return parsed(answer.body, target);
}

json::value RunningDaemon::post(const std::string& target, const std::string& body) const {
    const net::HttpResponse answer = ask("POST", target, body);
    EXPECT_LT(answer.status, 300u) << target << ": " << answer.body;
    return parsed(answer.body, target);
}

std::int64_t RunningDaemon::arrivals(const std::string& stream) const {
    const net::HttpResponse answer = ask("GET", "/api/v1/streams/" + stream);
    if (answer.status == 404) return 0;
    return parsed(answer.body, stream).at("arrivals").to_number<std::int64_t>();
}

}  // namespace replayd::testing
