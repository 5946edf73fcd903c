#pragma once
// Which results no other result beats.

#include <cstddef>
#include <span>
#include <vector>

namespace replayd::search {

/// Two figures of a result, both better when smaller.
struct Figures {
    double first = 0;
    double second = 0;
};

/// Indices of the points that no other point beats in one figure without losing in the other, ascending by the first
/// figure; of equal points the first only. Points with an infinite figure are never among them.
[[nodiscard]] std::vector<std::size_t> pareto_front(std::span<const Figures> points);

}  // namespace replayd::search
