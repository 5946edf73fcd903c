#include "replay/search/pareto.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace replayd::search {

std::vector<std::size_t> pareto_front(std::span<const Figures> points) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (std::isfinite(points[i].first) && std::isfinite(points[i].second)) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (points[a].first != points[b].first) return points[a].first < points[b].first;
        return points[a].second < points[b].second;
    });
    std::vector<std::size_t> front;
    double best = std::numeric_limits<double>::infinity();
    for (const std::size_t i : order) {
        if (points[i].second >= best) continue;
        best = points[i].second;
        front.push_back(i);
    }
    return front;
}

}  // namespace replayd::search
