#include "replay/search/space.hpp"

#include <numeric>
#include <set>
#include <utility>

#include "replay/base/assert.hpp"
#include "replay/base/random.hpp"

namespace replayd::search {
namespace {

std::vector<std::int64_t> shuffled(std::int64_t count, Random& random) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    return order;
}

}  // namespace

Space::Space(std::vector<Axis> axes) : axes_(std::move(axes)) {
    for (const Axis& axis : axes_) {
        REPLAYD_ASSERT(!axis.alternatives.empty());
        size_ *= static_cast<std::int64_t>(axis.alternatives.size());
    }
}

std::vector<std::int64_t> Space::places(std::int64_t candidate) const {
    std::vector<std::int64_t> out(axes_.size());
    for (std::size_t i = axes_.size(); i-- > 0;) {
        const auto alternatives = static_cast<std::int64_t>(axes_[i].alternatives.size());
        out[i] = candidate % alternatives;
        candidate /= alternatives;
    }
    return out;
}

std::int64_t Space::candidate(std::span<const std::int64_t> places) const {
    std::int64_t out = 0;
    for (std::size_t i = 0; i < axes_.size(); ++i) {
        out = out * static_cast<std::int64_t>(axes_[i].alternatives.size()) + places[i];
    }
    return out;
}

Settings Space::settings(std::int64_t candidate) const {
    Settings out;
    const std::vector<std::int64_t> at = places(candidate);
    for (std::size_t i = 0; i < axes_.size(); ++i) {
        const Settings& chosen = axes_[i].alternatives[static_cast<std::size_t>(at[i])];
        out.insert(out.end(), chosen.begin(), chosen.end());
    }
    return out;
}

std::vector<std::int64_t> latin_hypercube(const Space& space, std::int64_t points, std::uint64_t seed) {
    if (points >= space.size()) {
        std::vector<std::int64_t> all(static_cast<std::size_t>(space.size()));
        std::iota(all.begin(), all.end(), 0);
        return all;
    }
    Random random(seed);
    std::vector<std::vector<std::int64_t>> strata;
    for (std::size_t axis = 0; axis < space.axes().size(); ++axis) strata.push_back(shuffled(points, random));
    std::set<std::int64_t> drawn;
    std::vector<std::int64_t> places(space.axes().size());
    for (std::size_t point = 0; point < static_cast<std::size_t>(points); ++point) {
        for (std::size_t axis = 0; axis < places.size(); ++axis) {
            const auto alternatives = static_cast<std::int64_t>(space.axes()[axis].alternatives.size());
            places[axis] = strata[axis][point] * alternatives / points;
        }
        std::int64_t candidate = space.candidate(places);
        while (!drawn.insert(candidate).second) candidate = (candidate + 1) % space.size();
    }
    return {drawn.begin(), drawn.end()};
}

}  // namespace replayd::search
