#pragma once
// How a request in the system refers to its arrival.

#include <cstdint>

#include "replay/trace/arrival.hpp"

namespace replayd {

/// One arrival of a batch, which stays where it is until it is given back to who handed it out.
struct HeldArrival {
    const Arrival* arrival = nullptr;
    std::uint64_t batch = 0;  ///< which of them, to whom it is given back
};

}  // namespace replayd
