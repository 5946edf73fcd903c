#pragma once
// What targets check, and how they cut their input.

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "replay/base/assert.hpp"
#include "replay/base/error.hpp"

namespace replayd::fuzz {

/// Every refusal says something a person can read.
inline void check_message(const Error& error) {
    REPLAYD_ASSERT(!error.message.empty());
    REPLAYD_ASSERT(error.message.size() < 4096);
}

/// Takes one byte off the front of `input`; 0 from nothing.
inline unsigned take_byte(std::string_view& input) {
    if (input.empty()) return 0;
    const auto byte = static_cast<unsigned char>(input.front());
    input.remove_prefix(1);
    return byte;
}

/// Takes the first line, without its end.
inline std::string_view take_line(std::string_view& input) {
    const std::string_view line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    return line;
}

}  // namespace replayd::fuzz
