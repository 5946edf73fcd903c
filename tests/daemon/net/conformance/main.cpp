// Runs the Autobahn testsuite's cases for websocket servers, re-created under its numbers, against the daemon's own
// server with its own limits and a handler that echoes. `--long` exchanges as many messages as the testsuite does in 12
// and 13; everything else is as there in every mode.

#include <string>

#include "tests/daemon/net/conformance/conformance_case.hpp"
#include "tests/daemon/net/conformance/deflate_cases.hpp"
#include "tests/daemon/net/running_server.hpp"
#include "tests/trust/part.hpp"

namespace {

using namespace replayd::net::testing;

constexpr std::size_t k_round_trips = 1000;                            // of 9.7 and 9.8
constexpr replayd::trust::Counts k_deflate_messages = {20, 50, 1000};  // the testsuite: 1,000

}  // namespace

int main(int argc, char** argv) {
    replayd::trust::Part part("websocket", argc, argv);
    const auto messages = static_cast<std::size_t>(part.count(k_deflate_messages));
    RunningServer server;
    const std::uint16_t port = server.endpoint().port;
    const auto tell = [&part](const std::string& number, const std::string& trouble) {
        if (!trouble.empty()) part.violation("case " + number + ": " + trouble);
    };
    std::int64_t core = 0;
    for (const auto& section :
         {framing_cases(), fragmentation_cases(), utf8_cases(), close_cases(), limit_cases(k_round_trips)}) {
        for (const ConformanceCase& one : section) tell(one.number, run_case(port, one));
        core += static_cast<std::int64_t>(section.size());
    }
    std::int64_t deflate = 0;
    for (const DeflateCase& one : deflate_cases()) {
        tell(one.number, run_deflate_case(port, one, messages));
        ++deflate;
    }
    return part.finish(core + deflate, std::to_string(core) + " core and " + std::to_string(deflate) +
                                           " deflate cases of Autobahn, " + std::to_string(messages) +
                                           " messages in each of 12 and 13");
}
