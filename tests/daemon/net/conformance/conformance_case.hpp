#pragma once
// The cases of the Autobahn testsuite for websocket servers, under their own numbers, as scripts of what is sent and
// what must come back. Numbers, bytes and expectations follow crossbario/autobahn-testsuite,
// autobahntestsuite/case/*.py; its rating NON-STRICT counts as a failure here.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/daemon/net/conformance/raw_websocket.hpp"

namespace replayd::net::testing {

/// One step of a script.
struct Step {
    enum class Kind {
        send,          ///< the bytes, in writes of `chop` bytes
        await_events,  ///< until `count` events have come in all
        stay_open,     ///< the server must not close within a moment
        await_end,     ///< the server must fail the connection now, before the rest of the script
    };
    Kind kind = Kind::send;
    std::string bytes;
    std::size_t chop = 0;
    std::size_t count = 0;
};

/// Who ends the connection.
enum class Ending {
    by_client,  ///< once all events are there the client closes with 1000; the server must answer in kind
    by_script,  ///< the script holds the client's close frame
    by_server,  ///< the server must fail the connection
};

struct ConformanceCase {
    std::string number;  ///< "6.12.3"
    std::vector<Step> script;
    std::vector<Frame> events;  ///< whole messages and pongs that must come back, and nothing else
    Ending ending = Ending::by_client;
    std::vector<unsigned> codes = {1000};  ///< close codes that the server may send; a close without one is fine too
    bool clean = true;                     ///< a close frame must come, not just the end of the connection
    bool informational = false;            ///< the testsuite only reports the outcome: the connection must end, no more
};

/// Empty when the server on `port` passes, else what went wrong.
[[nodiscard]] std::string run_case(std::uint16_t port, const ConformanceCase& one);

// The sections.
[[nodiscard]] std::vector<ConformanceCase> framing_cases();        ///< 1 messages, 2 pings, 3 reserved bits, 4 opcodes
[[nodiscard]] std::vector<ConformanceCase> fragmentation_cases();  ///< 5, 10
[[nodiscard]] std::vector<ConformanceCase> utf8_cases();           ///< 6
[[nodiscard]] std::vector<ConformanceCase> close_cases();          ///< 7
/// 9; those of 9.7 and 9.8 exchange `round_trips` messages (the testsuite: 1,000).
[[nodiscard]] std::vector<ConformanceCase> limit_cases(std::size_t round_trips);

// What scripts are made of.
[[nodiscard]] Step sending(const Frame& frame, std::size_t chop = 0);
[[nodiscard]] Step sending_bytes(std::string bytes, std::size_t chop = 0);
/// A message in frames of `fragment` bytes.
[[nodiscard]] std::string in_fragments(unsigned opcode, std::string_view payload, std::size_t fragment);
/// A case whose one message comes back.
[[nodiscard]] ConformanceCase echo_case(std::string number, unsigned opcode, std::string payload, std::size_t chop = 0);
/// A case in which the server must fail the connection with one of `codes` after `events`.
[[nodiscard]] ConformanceCase failing_case(std::string number, std::vector<Step> script, std::vector<Frame> events = {},
                                           std::vector<unsigned> codes = {1002});

}  // namespace replayd::net::testing
