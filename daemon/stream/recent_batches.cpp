#include "daemon/stream/recent_batches.hpp"

#include <utility>

namespace replayd::stream {

std::size_t bytes_of(const std::vector<Arrival>& arrivals) {
    std::size_t bytes = 0;
    for (const Arrival& arrival : arrivals) {
        bytes += sizeof(Arrival) + arrival.prefix_hashes.size() * sizeof(std::uint64_t) + arrival.id.size() +
                 arrival.conversation.size();
    }
    return bytes;
}

void RecentBatches::push(FeedBatch batch, std::size_t bytes) {
    batches_.push_back({std::move(batch), bytes});
    bytes_ += bytes;
    while (bytes_ > k_bytes_max && batches_.size() > 1) {
        bytes_ -= batches_.front().bytes;
        batches_.pop_front();
    }
}

std::optional<std::uint64_t> RecentBatches::first() const {
    if (batches_.empty()) return std::nullopt;
    return batches_.front().batch.seq;
}

std::vector<FeedBatch> RecentBatches::from(std::uint64_t seq, std::size_t most) const {
    std::vector<FeedBatch> batches;
    for (std::size_t i = seq - batches_.front().batch.seq; i < batches_.size() && batches.size() < most; ++i) {
        batches.push_back(batches_[i].batch);
    }
    return batches;
}

std::vector<FeedBatch> RecentBatches::release_before(std::uint64_t seq) {
    std::vector<FeedBatch> released;
    while (!batches_.empty() && batches_.front().batch.seq < seq) {
        bytes_ -= batches_.front().bytes;
        released.push_back(std::move(batches_.front().batch));
        batches_.pop_front();
    }
    return released;
}

}  // namespace replayd::stream
