// Sections 5 and 10: what may be fragmented, what may stand between fragments, and what may not.
#include "tests/daemon/net/conformance/conformance_case.hpp"

namespace replayd::net::testing {
namespace {

using Cases = std::vector<ConformanceCase>;

const std::string k_hello = "Hello, world!";
const std::string k_nothing_to_continue = "non-continuation payload";

ConformanceCase two_fragments(std::string number, bool ping_between, std::size_t chop, bool separately) {
    ConformanceCase one;
    one.number = std::move(number);
    std::vector<Frame> frames = {{k_text, "fragment1", false}};
    if (ping_between) frames.push_back({k_ping, "ping payload"});
    frames.push_back({k_continuation, "fragment2"});
    std::string at_once;
    for (const Frame& frame : frames) {
        if (separately || chop > 0) {
            one.script.push_back(sending(frame, chop));
        } else {
            at_once += bytes_of(frame);
        }
    }
    if (!at_once.empty()) one.script.push_back(sending_bytes(at_once));
    if (ping_between) one.events.push_back({k_pong, "ping payload"});
    one.events.push_back({k_text, "fragment1fragment2"});
    return one;
}

/// A continuation of nothing, then a message: in one write, frame by frame, byte by byte.
void add_orphans(Cases& cases, int first, bool fin) {
    const Frame orphan{k_continuation, k_nothing_to_continue, fin};
    const Frame message{k_text, k_hello};
    const auto number = [&first] { return "5." + std::to_string(first++); };
    cases.push_back(failing_case(number(), {sending_bytes(bytes_of(orphan) + bytes_of(message))}));
    cases.push_back(failing_case(number(), {sending(orphan), sending(message)}));
    cases.push_back(failing_case(number(), {sending(orphan, 1), sending(message, 1)}));
}

ConformanceCase repeated_orphans(std::string number, bool fin) {
    std::string bytes;
    for (int i = 0; i < 2; ++i) {
        bytes += bytes_of({k_continuation, "fragment1", fin});
        bytes += bytes_of({k_text, "fragment2", false}) + bytes_of({k_continuation, "fragment3"});
    }
    return failing_case(std::move(number), {sending_bytes(bytes)});
}

/// Five fragments with two pings among them; the second half goes out after the first pong.
ConformanceCase pings_among_fragments(std::string number, bool separately) {
    const std::vector<std::vector<Frame>> halves = {
        {{k_text, "fragment1", false}, {k_continuation, "fragment2", false}, {k_ping, "pongme 1!"}},
        {{k_continuation, "fragment3", false},
         {k_continuation, "fragment4", false},
         {k_ping, "pongme 2!"},
         {k_continuation, "fragment5"}}};
    ConformanceCase one;
    one.number = std::move(number);
    for (const auto& half : halves) {
        std::string at_once;
        for (const Frame& frame : half) {
            if (separately) one.script.push_back(sending(frame));
            at_once += bytes_of(frame);
        }
        if (!separately) one.script.push_back(sending_bytes(at_once));
        if (&half == &halves.front()) one.script.push_back({Step::Kind::await_events, "", 0, 1});
    }
    one.events = {
        {k_pong, "pongme 1!"}, {k_pong, "pongme 2!"}, {k_text, "fragment1fragment2fragment3fragment4fragment5"}};
    return one;
}

}  // namespace

std::vector<ConformanceCase> fragmentation_cases() {
    Cases cases;
    const auto cut_control = [](unsigned opcode) {
        return sending_bytes(bytes_of({opcode, "fragment1", false}) + bytes_of({k_continuation, "fragment2"}));
    };
    cases.push_back(failing_case("5.1", {cut_control(k_ping)}));
    cases.push_back(failing_case("5.2", {cut_control(k_pong)}));
    for (const bool ping : {false, true}) {
        const int first = ping ? 6 : 3;
        cases.push_back(two_fragments("5." + std::to_string(first), ping, 0, false));
        cases.push_back(two_fragments("5." + std::to_string(first + 1), ping, 0, true));
        cases.push_back(two_fragments("5." + std::to_string(first + 2), ping, 1, true));
    }
    add_orphans(cases, 9, true);
    add_orphans(cases, 12, false);
    cases.push_back(
        failing_case("5.15",
                     {sending_bytes(bytes_of({k_text, "fragment1", false}) + bytes_of({k_continuation, "fragment2"}) +
                                    bytes_of({k_continuation, "fragment3", false}) + bytes_of({k_text, "fragment4"}))},
                     {{k_text, "fragment1fragment2"}}));
    cases.push_back(repeated_orphans("5.16", false));
    cases.push_back(repeated_orphans("5.17", true));
    cases.push_back(failing_case(
        "5.18", {sending_bytes(bytes_of({k_text, "fragment1", false}) + bytes_of({k_text, "fragment2"}))}));
    cases.push_back(pings_among_fragments("5.19", false));
    cases.push_back(pings_among_fragments("5.20", true));

    ConformanceCase fragmented = echo_case("10.1.1", k_text, std::string(65536, '*'));
    fragmented.script = {sending_bytes(in_fragments(k_text, std::string(65536, '*'), 1300))};
    cases.push_back(std::move(fragmented));
    return cases;
}

}  // namespace replayd::net::testing
