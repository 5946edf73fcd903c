// Runs every abuse case against the daemon's own server with its own limits (times are shorter, so that waiting for
// them takes no minute), and checks after each that the server still answers.

#include <string>

#include "tests/daemon/net/abuse/http_abuse.hpp"
#include "tests/daemon/net/running_server.hpp"
#include "tests/daemon/net/tcp_peer.hpp"
#include "tests/trust/part.hpp"

namespace {

using namespace replayd::net::testing;

constexpr std::chrono::seconds k_patience{20};

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

}  // namespace

int main(int argc, char** argv) {
    replayd::trust::Part part("http_abuse", argc, argv);
    replayd::net::ServerOptions options;
    options.http_header_timeout = std::chrono::milliseconds(300);
    options.http_idle_timeout = std::chrono::milliseconds(400);
    RunningServer server(options);
    const std::uint16_t port = server.endpoint().port;
    std::int64_t count = 0;
    for (const auto& section : {request_line_cases(), header_cases(), body_cases(), upgrade_cases(), slow_cases()}) {
        for (const AbuseCase& one : section) {
            ++count;
            if (const std::string trouble = run(port, one); !trouble.empty()) part.violation(one.name + ": " + trouble);
            if (!still_answers(port)) part.violation(one.name + ": the server no longer answers");
        }
    }
    return part.finish(count, "named cases, the server answering after each");
}
