#pragma once
// The durable batches of one stream's arrivals, as those read them that replay them. Any thread.

#include <cstdint>
#include <memory>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::stream {

/// One durable batch, shared by the runs of the stream.
struct FeedBatch {
    std::uint64_t seq = 0;
    std::shared_ptr<const std::vector<Arrival>> arrivals;
    VirtualTime watermark;
};

class BatchFeed {
public:
    virtual ~BatchFeed() = default;
    /// Durable batches from `seq` on: some of them, or none when `seq` is not durable yet. Errors: the history cannot
    /// be read, or lacks a batch.
    [[nodiscard]] virtual Result<std::vector<FeedBatch>> fetch(std::uint64_t seq) = 0;
    /// The stream has ended and `seq` is its last batch.
    [[nodiscard]] virtual bool ends_with(std::uint64_t seq) = 0;
};

}  // namespace replayd::stream
