#include "replay/sim/state_hash.hpp"

#include <array>

namespace replayd {

std::string StateHash::to_string() const {
    constexpr std::array<char, 17> digits{"0123456789abcdef"};
    std::string text;
    for (const std::uint64_t word : {high, low}) {
        for (int shift = 60; shift >= 0; shift -= 4) text.push_back(digits[(word >> shift) & 15]);
    }
    return text;
}

}  // namespace replayd
