#pragma once
// Spreads arrivals that a trace logged in batches: the n arrivals that share one time become evenly
// spaced over the gap to the next time. The Mooncake conversation trace logs every 3 s.

#include <vector>

#include "replay/trace/arrival.hpp"

namespace replayd {

class BinSpreader {
public:
    /// Takes the next arrival (times never go back) and appends to `out` those whose time is settled.
    void push(Arrival&& arrival, std::vector<Arrival>& out);
    /// Appends the last bin, spread over the width of the bin before it; as it is if it is the only one.
    void finish(std::vector<Arrival>& out);

private:
    void release(Duration width, std::vector<Arrival>& out);

    std::vector<Arrival> bin_;
    Duration last_width_{0};
};

}  // namespace replayd
