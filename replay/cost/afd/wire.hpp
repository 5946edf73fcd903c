#pragma once
// How long the rows of a stage are on their way between attention and FFN servers.

#include <algorithm>
#include <cstdint>

#include "replay/catalog/scenario.hpp"
#include "replay/cost/operator.hpp"

namespace replayd::afd {

/// Rows of one stage over the replica's attention ranks.
struct StageRows {
    std::int64_t longest = 0;  ///< of the rank with the most
    std::int64_t all = 0;

    void add(std::int64_t rank) {
        longest = std::max(longest, rank);
        all += rank;
    }
};

/// One direction. Every attention rank sends its rows to all FFN servers, spread over its GPUs' cards, and gets a
/// partial result from each of them; the cards of an FFN server share all rows, since a GPU is paired with GPUs of
/// every attention server. The slower card counts: links are full duplex, so that the two directions do not meet.
/// Integer nanoseconds.
class Wire {
public:
    /// A connector without a network.
    Wire() = default;
    /// `row_bytes` per row and FFN server.
    Wire(const PoolSpec& pool, double row_bytes);

    [[nodiscard]] Duration time(StageRows rows) const {
        const std::int64_t attention = rows.longest * attention_row_;
        const std::int64_t ffn = rows.all * ffn_row_;
        return latency_ + Duration(cost::to_ns(std::max(attention, ffn)));
    }
    /// Bytes over the card of the busiest attention GPU.
    [[nodiscard]] double attention_bytes(StageRows rows) const {
        return static_cast<double>(rows.longest) * attention_bytes_;
    }
    [[nodiscard]] Duration latency() const { return latency_; }

private:
    Duration latency_{0};
    std::int64_t attention_row_ = 0;  ///< per row of the busiest rank, in units of 2^-k_fraction_bits ns
    std::int64_t ffn_row_ = 0;        ///< per row of all ranks
    double attention_bytes_ = 0;
};

}  // namespace replayd::afd
