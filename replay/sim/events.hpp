#pragma once
// What happens in a run, one by one: the very words that its state hash is made of.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "replay/base/units.hpp"

namespace replayd {

/// Its number goes into the state hash.
enum class EventKind : std::uint64_t {
    arrived = 1,   ///< detail: prompt tokens, xor output tokens shifted left by 32 bits
    rejected,
    routed,        ///< detail: replica
    scheduled,     ///< its first step begins; detail: prompt tokens found in the prefix cache
    preempted,     ///< detail: replica
    first_token,   ///< detail: replica
    transfer,      ///< its KV begins to move; detail: destination
    decode_ready,  ///< its KV has arrived; detail: destination
    finished,      ///< detail: how often it was preempted
    host_load,     ///< cached KV is wanted from the host; detail: when it will have come, in nanoseconds
    scaled         ///< the pool instead of a request; detail: 4 x replica of the pool + its new phase
};
inline constexpr std::size_t k_event_kinds = 11;

/// Stable names, indexed by EventKind less one.
inline constexpr std::array<std::string_view, k_event_kinds> k_event_names = {
    "arrived",  "rejected",     "routed",   "scheduled", "preempted", "first_token",
    "transfer", "decode_ready", "finished", "host_load", "scaled"};

[[nodiscard]] constexpr std::string_view name_of(EventKind kind) {
    return k_event_names[static_cast<std::size_t>(kind) - 1];
}

struct RunEvent {
    VirtualTime at;
    EventKind kind = EventKind::arrived;
    std::int64_t sequence = 0;  ///< of the request; the pool with `scaled`
    std::int64_t detail = 0;

    bool operator==(const RunEvent&) const = default;
};

/// Hears every event of a run, in order, on the thread that advances it.
class EventSink {
public:
    virtual ~EventSink() = default;
    virtual void on_event(const RunEvent& event) = 0;
};

}  // namespace replayd
