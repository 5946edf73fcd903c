#pragma once
// A learned correction: the sum of many small regression trees over the features of a kernel call, stored as
// bytes (a feature, one of its edges per node; 16-bit leaves). Outside the range of the rows that it was
// fitted on it is constant. Immutable; any thread.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd::cost {

class Forest {
public:
    /// A split: values above `edges[feature][edge]` go right. k_no_split sends everything left.
    struct Split {
        std::uint8_t feature = 0;
        std::uint8_t edge = 255;
    };
    static constexpr std::uint8_t k_no_split = 255;
    static constexpr std::size_t k_edges_max = 254;
    static constexpr int k_depth_max = 8;

    Forest() = default;
    /// `splits` holds 2^depth − 1 nodes a tree in level order, `leaves` 2^depth, in units of `scale`.
    Forest(int depth, float scale, std::vector<std::vector<float>> edges, std::vector<Split> splits,
           std::vector<std::int16_t> leaves);

    /// Sum over the trees; `features` has one value per feature.
    [[nodiscard]] double sum(std::span<const float> features) const;

    [[nodiscard]] std::size_t feature_count() const { return edges_.size(); }
    [[nodiscard]] std::string to_bytes() const;
    /// Error `invalid_argument` where `bytes` is not what to_bytes writes.
    [[nodiscard]] static Result<Forest> from_bytes(std::string_view bytes);

private:
    int depth_ = 0;
    float scale_ = 0;
    std::vector<std::vector<float>> edges_;
    std::vector<Split> splits_;
    std::vector<std::int16_t> leaves_;
};

}  // namespace replayd::cost
