// Sections 1 to 4: messages of every length field, pings and pongs, reserved bits, reserved opcodes.
#include "tests/daemon/net/conformance/conformance_case.hpp"

namespace replayd::net::testing {
namespace {

using Cases = std::vector<ConformanceCase>;

const std::string k_hello = "Hello, world!";
const std::string k_not_utf8("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8);

std::string numbered(const std::string& section, std::size_t index) {
    return section + "." + std::to_string(index);
}

void add_messages(Cases& cases) {
    const std::size_t sizes[] = {0, 125, 126, 127, 128, 65535, 65536};
    for (const unsigned opcode : {k_text, k_binary}) {
        const std::string section = opcode == k_text ? "1.1" : "1.2";
        const char fill = opcode == k_text ? '*' : '\xfe';
        std::size_t index = 1;
        for (const std::size_t size : sizes) {
            cases.push_back(echo_case(numbered(section, index++), opcode, std::string(size, fill)));
        }
        cases.push_back(echo_case(numbered(section, index), opcode, std::string(65536, fill), 997));
    }
}

ConformanceCase ping_case(std::string number, const std::string& payload, std::size_t chop = 0) {
    ConformanceCase one;
    one.number = std::move(number);
    one.script = {sending({k_ping, payload}, chop)};
    one.events = {{k_pong, payload}};
    return one;
}

/// An unsolicited pong, then nothing or a ping.
ConformanceCase pong_case(std::string number, const std::string& pong, const std::string& ping) {
    ConformanceCase one;
    one.number = std::move(number);
    one.script = {sending({k_pong, pong})};
    if (!ping.empty()) {
        one.script.push_back(sending({k_ping, ping}));
        one.events = {{k_pong, ping}};
    }
    return one;
}

ConformanceCase ten_pings(std::string number, std::size_t chop) {
    ConformanceCase one;
    one.number = std::move(number);
    for (int i = 0; i < 10; ++i) {
        const std::string payload = "payload-" + std::to_string(i);
        one.script.push_back(sending({k_ping, payload}, chop));
        one.events.push_back({k_pong, payload});
    }
    return one;
}

void add_pings(Cases& cases) {
    cases.push_back(ping_case("2.1", ""));
    cases.push_back(ping_case("2.2", k_hello));
    cases.push_back(ping_case("2.3", k_not_utf8));
    cases.push_back(ping_case("2.4", std::string(125, '\xfe')));
    cases.push_back(failing_case("2.5", {sending({k_ping, std::string(126, '\xfe')})}));
    cases.push_back(ping_case("2.6", std::string(125, '\xfe'), 1));
    cases.push_back(pong_case("2.7", "", ""));
    cases.push_back(pong_case("2.8", "unsolicited pong payload", ""));
    cases.push_back(pong_case("2.9", "unsolicited pong payload", "ping payload"));
    cases.push_back(ten_pings("2.10", 0));
    cases.push_back(ten_pings("2.11", 1));
}

/// A message that is echoed, a bad frame, and a ping that must stay unanswered.
ConformanceCase message_then_bad(std::string number, const Frame& bad, std::size_t chop = 0) {
    return failing_case(std::move(number),
                        {sending({k_text, k_hello}, chop), sending(bad, chop), sending({k_ping, ""}, chop)},
                        {{k_text, k_hello}});
}

void add_reserved_bits(Cases& cases) {
    cases.push_back(failing_case("3.1", {sending({k_text, k_hello, true, 1})}));
    cases.push_back(message_then_bad("3.2", {k_text, k_hello, true, 2}));
    cases.push_back(message_then_bad("3.3", {k_text, k_hello, true, 3}));
    cases.push_back(message_then_bad("3.4", {k_text, k_hello, true, 4}, 1));
    cases.push_back(failing_case("3.5", {sending({k_binary, k_not_utf8, true, 5})}));
    cases.push_back(failing_case("3.6", {sending({k_ping, k_hello, true, 6})}));
    cases.push_back(failing_case("3.7", {sending({k_close, "", true, 7})}));
}

void add_reserved_opcodes(Cases& cases) {
    for (const unsigned first : {3U, 11U}) {
        const std::string section = first == 3 ? "4.1" : "4.2";
        cases.push_back(failing_case(section + ".1", {sending({first, ""})}));
        cases.push_back(failing_case(section + ".2", {sending({first + 1, "reserved opcode payload"})}));
        cases.push_back(message_then_bad(section + ".3", {first + 2, ""}));
        cases.push_back(message_then_bad(section + ".4", {first + 3, k_hello}));
        cases.push_back(message_then_bad(section + ".5", {first + 4, k_hello}, 1));
    }
}

}  // namespace

std::vector<ConformanceCase> framing_cases() {
    Cases cases;
    add_messages(cases);
    add_pings(cases);
    add_reserved_bits(cases);
    add_reserved_opcodes(cases);
    return cases;
}

}  // namespace replayd::net::testing
