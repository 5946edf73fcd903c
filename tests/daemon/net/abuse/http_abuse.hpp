#pragma once
// Requests that no client of good will sends, by name, with the statuses that the server must answer, one for each
// request that it sees in the bytes.

#include <string>
#include <vector>

namespace replayd::net::testing {

struct AbuseCase {
    std::string name;
    std::string bytes;
    /// Statuses in order, such as "400" or "200 404"; empty: the server closes without a word.
    std::string statuses;
    std::string keeps_open = {};  ///< not empty: the client goes on holding the connection, for the reason it says
};

[[nodiscard]] std::vector<AbuseCase> request_line_cases();  ///< methods, targets, versions
[[nodiscard]] std::vector<AbuseCase> header_cases();        ///< fields, sizes, counts, Host, Expect
[[nodiscard]] std::vector<AbuseCase> body_cases();          ///< lengths, chunks, smuggling, pipelining
[[nodiscard]] std::vector<AbuseCase> upgrade_cases();       ///< websocket handshakes
[[nodiscard]] std::vector<AbuseCase> slow_cases();          ///< what begins and never ends

/// A GET of `target` with further header lines, each ended by CR LF, that closes the connection after it.
[[nodiscard]] std::string get(const std::string& target, const std::string& lines = "");

}  // namespace replayd::net::testing
