#include "replay/cost/laws/forest.hpp"

#include "replay/base/assert.hpp"
#include "replay/cost/laws/byte_text.hpp"

namespace replayd::cost {

Forest::Forest(int depth, float scale, std::vector<std::vector<float>> edges, std::vector<Split> splits,
               std::vector<std::int16_t> leaves)
    : depth_(depth), scale_(scale), edges_(std::move(edges)), splits_(std::move(splits)), leaves_(std::move(leaves)) {
    const std::size_t width = std::size_t{1} << depth_;
    REPLAYD_ASSERT(depth_ >= 1 && depth_ <= k_depth_max && leaves_.size() % width == 0);
    REPLAYD_ASSERT(splits_.size() == leaves_.size() / width * (width - 1));
}

double Forest::sum(std::span<const float> features) const {
    const std::size_t width = std::size_t{1} << depth_;
    std::int64_t total = 0;
    const Split* splits = splits_.data();
    for (std::size_t first_leaf = 0; first_leaf < leaves_.size(); first_leaf += width, splits += width - 1) {
        std::size_t node = 0;
        for (int level = 0; level < depth_; ++level) {
            const Split split = splits[node];
            const bool right = split.edge != k_no_split && features[split.feature] > edges_[split.feature][split.edge];
            node = 2 * node + (right ? 2 : 1);
        }
        total += leaves_[first_leaf + node - (width - 1)];
    }
    return static_cast<double>(total) * static_cast<double>(scale_);
}

std::string Forest::to_bytes() const {
    std::string out;
    put_bytes(out, static_cast<std::uint8_t>(depth_));
    put_bytes(out, static_cast<std::uint8_t>(edges_.size()));
    put_bytes(out, static_cast<std::uint32_t>(leaves_.size()));
    put_bytes(out, scale_);
    for (const auto& edges : edges_) {
        put_bytes(out, static_cast<std::uint8_t>(edges.size()));
        for (const float edge : edges) put_bytes(out, edge);
    }
    for (const Split split : splits_) {
        put_bytes(out, split.feature);
        put_bytes(out, split.edge);
    }
    for (const std::int16_t leaf : leaves_) put_bytes(out, leaf);
    return out;
}

Result<Forest> Forest::from_bytes(std::string_view bytes) {
    const auto broken = [] {
        return fail(Code::invalid_argument, "a law's forest of trees is cut short or damaged; fit the law again");
    };
    ByteReader reader(bytes);
    const int depth = reader.take<std::uint8_t>();
    std::vector<std::vector<float>> edges(reader.take<std::uint8_t>());
    std::vector<std::int16_t> leaves(0);
    const std::uint32_t leaf_count = reader.take<std::uint32_t>();
    const float scale = reader.take<float>();
    if (!reader.ok() || depth < 1 || depth > k_depth_max || leaf_count > bytes.size()) return broken();
    const std::size_t width = std::size_t{1} << depth;
    if (leaf_count % width != 0) return broken();
    for (auto& list : edges) {
        list.resize(reader.take<std::uint8_t>());
        for (float& edge : list) edge = reader.take<float>();
    }
    std::vector<Split> splits(leaf_count / width * (width - 1));
    for (Split& split : splits) {
        split.feature = reader.take<std::uint8_t>();
        split.edge = reader.take<std::uint8_t>();
        if (split.edge == k_no_split) continue;
        if (split.feature >= edges.size() || split.edge >= edges[split.feature].size()) return broken();
    }
    leaves.resize(leaf_count);
    for (std::int16_t& leaf : leaves) leaf = reader.take<std::int16_t>();
    if (!reader.finished()) return broken();
    return Forest(depth, scale, std::move(edges), std::move(splits), std::move(leaves));
}

}  // namespace replayd::cost
