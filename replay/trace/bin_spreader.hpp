#pragma once
// Spreads arrivals that a trace logged in batches: the n arrivals that share one time become evenly
// spaced over the gap to the next time. The Mooncake conversation trace logs every 3 s.

#include <limits>
#include <vector>

#include "replay/trace/arrival.hpp"

namespace replayd {

class BinSpreader {
public:
    BinSpreader() = default;
    /// `width`: over so much of the gap at most, since the log's bins are so long.
    explicit BinSpreader(Duration width) : width_max_(width), last_width_(width) {}

    /// Takes the next arrival (times never go back) and appends to `out` those whose time is settled.
    void push(Arrival&& arrival, std::vector<Arrival>& out);
    /// Appends the last bin, spread over the width of the bin before it; if it is the only one over the given width, or
    /// as it is.
    void finish(std::vector<Arrival>& out);

private:
    void release(Duration width, std::vector<Arrival>& out);

    std::vector<Arrival> bin_;
    Duration width_max_{std::numeric_limits<std::int64_t>::max()};
    Duration last_width_{0};
};

}  // namespace replayd
