#pragma once
// The last durable batches of a log, kept in memory for the runs that follow it closely. Not thread-safe.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "daemon/stream/batch_feed.hpp"

namespace replayd::stream {

/// What the arrivals of a batch take of the memory.
[[nodiscard]] std::size_t bytes_of(const std::vector<Arrival>& arrivals);

class RecentBatches {
public:
    /// The oldest go beyond it, but for the last one.
    static constexpr std::size_t k_bytes_max = 64u << 20;

    /// The batch behind the last one.
    void push(FeedBatch batch, std::size_t bytes);
    /// Number of the first that is kept; nothing: none is.
    [[nodiscard]] std::optional<std::uint64_t> first() const;
    /// From `seq` on, at most `most`. Precondition: `seq` >= first().
    [[nodiscard]] std::vector<FeedBatch> from(std::uint64_t seq, std::size_t most) const;
    /// Takes out those before `seq`; they are the caller's to free.
    [[nodiscard]] std::vector<FeedBatch> release_before(std::uint64_t seq);

private:
    struct Recent {
        FeedBatch batch;
        std::size_t bytes = 0;
    };
    std::deque<Recent> batches_;  ///< contiguous
    std::size_t bytes_ = 0;
};

}  // namespace replayd::stream
