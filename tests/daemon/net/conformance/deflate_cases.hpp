#pragma once
// Sections 12 and 13 of the Autobahn testsuite: echoes of compressed messages with permessage-deflate (RFC 7692), for
// five kinds of contents and for seven sets of parameters, 18 sizes each.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace replayd::net::testing {

struct DeflateCase {
    std::string number;        ///< "13.3.10"
    std::string offer;         ///< value of Sec-WebSocket-Extensions
    std::string must_agree;    ///< what the server's answer must hold; empty: nothing special
    int contents = 0;          ///< index of the contents: 0 JSON, 1 bitmap, 2 prose, 3 HTML, 4 mixed
    std::size_t size = 0;      ///< characters (text) or bytes (binary) of a message
    std::size_t fragment = 0;  ///< frames of that many bytes; 0: one frame
};

[[nodiscard]] std::vector<DeflateCase> deflate_cases();

/// Exchanges `messages` messages (the testsuite: 1,000). Empty when the server passes, else what went wrong.
[[nodiscard]] std::string run_deflate_case(std::uint16_t port, const DeflateCase& one, std::size_t messages);

}  // namespace replayd::net::testing
