#pragma once
// Rolling 128-bit hash over the event log of a run: two multiply-rotate lanes over 64-bit words. Not
// cryptographic; it tells whether two runs took the same decisions at the same virtual times.

#include <bit>
#include <cstdint>
#include <string>

namespace replayd {

struct StateHash {
    std::uint64_t high = 0x9ae16a3b2f90404fULL;
    std::uint64_t low = 0xc3a5c85c97cb3127ULL;

    /// Mixes one word in. Order matters.
    constexpr void mix(std::uint64_t word) {
        // Multiplier of PCG's 64-bit LCG (O'Neill 2014) and the golden ratio: odd, well-spread bits.
        high = std::rotl((high ^ word) * 0x5851f42d4c957f2dULL, 29) + low;
        low = std::rotl((low + word) * 0x9e3779b97f4a7c15ULL, 31) ^ high;
    }
    constexpr void mix(std::int64_t word) { mix(static_cast<std::uint64_t>(word)); }

    bool operator==(const StateHash&) const = default;
    /// 32 lower-case hexadecimal digits.
    [[nodiscard]] std::string to_string() const;
};

}  // namespace replayd
