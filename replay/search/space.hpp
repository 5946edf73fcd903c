#pragma once
// What a search may choose from: axes of alternatives over one base scenario. A candidate is one alternative of each
// axis.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace replayd::search {

/// One way to set some fields, as "KEY=VALUE" (scenario_override.hpp).
using Settings = std::vector<std::string>;

struct Axis {
    std::string name;
    std::vector<Settings> alternatives;  ///< 1 or more
    /// A later alternative never serves worse: where one meets the objectives, so do all after it. Stated by the user;
    /// bisection relies on it.
    bool rising = false;
};

/// Candidates are numbered from 0; the first axis changes slowest.
class Space {
public:
    explicit Space(std::vector<Axis> axes);

    [[nodiscard]] std::int64_t size() const { return size_; }
    [[nodiscard]] std::span<const Axis> axes() const { return axes_; }
    /// Alternative of each axis.
    [[nodiscard]] std::vector<std::int64_t> places(std::int64_t candidate) const;
    [[nodiscard]] std::int64_t candidate(std::span<const std::int64_t> places) const;
    /// Everything that the candidate sets, axis by axis.
    [[nodiscard]] Settings settings(std::int64_t candidate) const;

private:
    std::vector<Axis> axes_;
    std::int64_t size_ = 1;
};

/// A Latin hypercube: `points` different candidates, ascending, such that each axis is cut into `points` equal parts
/// and each part is drawn from once, as far as the axis has alternatives (McKay, Beckman, Conover 1979). Draws that
/// coincide are replaced by the next free candidate. All candidates where there are no more than `points`.
[[nodiscard]] std::vector<std::int64_t> latin_hypercube(const Space& space, std::int64_t points, std::uint64_t seed);

}  // namespace replayd::search
