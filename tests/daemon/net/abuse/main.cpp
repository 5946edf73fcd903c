// Runs every abuse case against the daemon's own server with its own limits (times are shorter for the cases that wait
// for them), and checks after each that the server still answers.

#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "tests/daemon/net/abuse/http_abuse.hpp"
#include "tests/daemon/net/running_server.hpp"
#include "tests/daemon/net/tcp_peer.hpp"
#include "tests/trust/part.hpp"

namespace {

using namespace replayd::net::testing;

constexpr std::chrono::seconds k_patience{120};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The statuses of all answers, separated by blanks.
std::string statuses_of(const std::string& answers) {
    const std::string start = "HTTP/1.1 ";
    std::string statuses;
    for (std::size_t at = answers.find(start); at != std::string::npos; at = answers.find(start, at + 1)) {
        const std::string code = answers.substr(at + start.size(), 3);
        if (code.size() < 3 || !is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2])) continue;
        statuses += (statuses.empty() ? "" : " ") + code;
    }
    return statuses;
}

std::string run(std::uint16_t port, const AbuseCase& one) {
    TcpPeer peer(port);
    static_cast<void>(peer.send(one.bytes));
    if (one.keeps_open.empty()) peer.finish_sending();
    bool closed = false;
    const std::string answers = peer.read_to_end(k_patience, closed);
    if (!closed) return "the server did not close the connection";
    const std::string statuses = statuses_of(answers);
    if (statuses != one.statuses) return "answered \"" + statuses + "\", expected \"" + one.statuses + "\"";
    if (answers.find("/smuggled") != std::string::npos && one.statuses.find("200") == std::string::npos) {
        return "the smuggled request was answered";
    }
    return "";
}

bool still_answers(std::uint16_t port) {
    TcpPeer peer(port);
    bool closed = false;
    static_cast<void>(peer.send(get("/alive")));
    const std::string answer = peer.read_to_end(k_patience, closed);
    return closed && answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("GET /alive ");
}

/// Why the case failed; empty: it did not.
std::string verdict(std::uint16_t port, const AbuseCase& one) {
    std::string trouble = run(port, one);
    if (trouble.empty() && !still_answers(port)) trouble = "the server no longer answers";
    return trouble.empty() ? "" : one.name + ": " + trouble;
}

/// The cases that wait for a time to pass, all at once, on a server whose times are shorter.
std::vector<std::string> try_slow_cases(const std::vector<AbuseCase>& cases) {
    replayd::net::ServerOptions options;
    options.http_header_timeout = std::chrono::milliseconds(2'000);
    options.http_idle_timeout = std::chrono::milliseconds(3'000);
    RunningServer server(options);
    std::vector<std::future<std::string>> verdicts;
    for (const AbuseCase& one : cases) {
        verdicts.push_back(std::async(std::launch::async, verdict, server.endpoint().port, std::cref(one)));
    }
    std::vector<std::string> said;
    for (auto& one : verdicts) said.push_back(one.get());
    return said;
}

}  // namespace

int main(int argc, char** argv) {
    replayd::trust::Part part("http_abuse", argc, argv);
    std::vector<std::string> said;
    {
        RunningServer server;
        for (const auto& section : {request_line_cases(), header_cases(), body_cases(), upgrade_cases()}) {
            for (const AbuseCase& one : section) said.push_back(verdict(server.endpoint().port, one));
        }
    }
    for (std::string& slow : try_slow_cases(slow_cases())) said.push_back(std::move(slow));
    for (const std::string& trouble : said) {
        if (!trouble.empty()) part.violation(trouble);
    }
    return part.finish(static_cast<std::int64_t>(said.size()), "named cases, the server answering after each");
}
