#pragma once
// FNV-1a over the bytes of 64-bit words: names that laws keep for curves, shapes and configurations.

#include <cstdint>

namespace replayd::cost {

struct NumberHash {
    // Source: the FNV-1a constants for 64 bits (Fowler, Noll and Vo).
    std::uint64_t value = 14'695'981'039'346'656'037ULL;

    void mix(std::uint64_t bits) {
        for (int byte = 0; byte < 8; ++byte) value = (value ^ (bits >> (8 * byte) & 0xFF)) * 1'099'511'628'211ULL;
    }

    /// Both halves of the value folded into one.
    [[nodiscard]] std::uint32_t narrow() const { return static_cast<std::uint32_t>(value ^ (value >> 32)); }
};

}  // namespace replayd::cost
