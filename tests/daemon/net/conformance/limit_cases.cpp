// Section 9: large messages, in one frame, in fragments, in small writes, and many round trips.
#include "tests/daemon/net/conformance/conformance_case.hpp"

namespace replayd::net::testing {
namespace {

using Cases = std::vector<ConformanceCase>;

constexpr std::size_t k_ki = std::size_t{1} << 10;
constexpr std::size_t k_mi = std::size_t{1} << 20;

std::string repeated(std::string_view text, std::size_t size) {
    std::string out;
    out.reserve(size + text.size());
    while (out.size() < size) out += text;
    out.resize(size);
    return out;
}

std::string filled(unsigned opcode, std::size_t size) {
    constexpr char k_bytes[] = {'\x00', '\xfe', '\x23', '\xfa', '\xf0'};
    return repeated(opcode == k_text ? std::string_view("BAsd7&jh23") : std::string_view(k_bytes, sizeof k_bytes),
                    size);
}

ConformanceCase round_trip_case(std::string number, unsigned opcode, std::size_t size, std::size_t times) {
    ConformanceCase one;
    one.number = std::move(number);
    const Frame message{opcode, std::string(size, opcode == k_text ? '*' : '\xfe')};
    for (std::size_t i = 1; i <= times; ++i) {
        one.script.push_back(sending(message));
        one.script.push_back({Step::Kind::await_events, "", 0, i});
        one.events.push_back(message);
    }
    return one;
}

}  // namespace

std::vector<ConformanceCase> limit_cases(std::size_t round_trips) {
    Cases cases;
    for (const unsigned opcode : {k_text, k_binary}) {
        const auto section = [opcode](int text_section) {
            return "9." + std::to_string(opcode == k_text ? text_section : text_section + 1) + ".";
        };
        int index = 1;
        for (const std::size_t size : {64 * k_ki, 256 * k_ki, k_mi, 4 * k_mi, 8 * k_mi, 16 * k_mi}) {
            cases.push_back(echo_case(section(1) + std::to_string(index++), opcode, filled(opcode, size)));
        }
        index = 1;
        const std::string whole(4 * k_mi, opcode == k_text ? '*' : '\xfe');
        for (std::size_t fragment = 64; fragment <= 4 * k_mi; fragment *= 4) {
            cases.push_back(echo_case(section(3) + std::to_string(index++), opcode, whole));
            cases.back().script = {sending_bytes(in_fragments(opcode, whole, fragment))};
        }
        index = 1;
        for (std::size_t chop = 64; chop <= 2 * k_ki; chop *= 2) {
            cases.push_back(echo_case(section(5) + std::to_string(index++), opcode, filled(opcode, k_mi), chop));
        }
        index = 1;
        for (const std::size_t size : {0 * k_ki, k_ki / 64, k_ki / 16, k_ki / 4, k_ki, 4 * k_ki}) {
            cases.push_back(round_trip_case(section(7) + std::to_string(index++), opcode, size, round_trips));
        }
    }
    return cases;
}

}  // namespace replayd::net::testing
