#pragma once
// Helpers that the feature functions share.

#include <cmath>
#include <vector>

namespace replayd::cost {

/// Collects features; logarithms make them scale-free, and 0 stays finite.
class FeatureList {
public:
    explicit FeatureList(std::vector<float>& out) : out_(out) {}
    void plain(double value) { out_.push_back(static_cast<float>(value)); }
    void log(double value) { out_.push_back(static_cast<float>(std::log2(value + 1e-6))); }
    /// Share of `block`-sized blocks that `count` fills.
    void fill(double count, double block) { plain(count / (block * std::ceil(count / block))); }
    /// How many waves `blocks` make on `slots`, and how full the last ones are.
    void waves(double blocks, double slots) {
        log(blocks / slots);
        fill(blocks, slots);
    }

private:
    std::vector<float>& out_;
};

}  // namespace replayd::cost
