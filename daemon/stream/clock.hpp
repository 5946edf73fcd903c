#pragma once
// Wall time for people: milliseconds since the Unix epoch. Never reaches a result.

#include <chrono>
#include <cstdint>

namespace replayd::stream {

inline std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace replayd::stream
