#include "daemon/stream/log_cursor.hpp"

#include <algorithm>

namespace replayd::stream {

/// Makes fetched_[batch_] the batch at the position; false behind the last one.
Result<bool> LogCursor::load() {
    if (batch_ < fetched_.size()) return true;
    auto fetched = feed_->fetch(position_.batches + 1);
    if (!fetched) return tl::unexpected(fetched.error());
    fetched_ = std::move(*fetched);
    batch_ = 0;
    return !fetched_.empty();
}

Result<LogCursor::Piece> LogCursor::next(VirtualTime before, std::size_t most) {
    const auto loaded = load();
    if (!loaded) return tl::unexpected(loaded.error());
    if (!*loaded) {
        if (feed_->ends_with(position_.batches)) return Piece{{}, before, true};
        return fail(Code::unavailable,
                    "the arrival log does not reach " + std::to_string(before.ns) + " ns yet: ask again later");
    }
    const FeedBatch& batch = fetched_[batch_];
    const auto left = std::span(*batch.arrivals).subspan(position_.arrivals);
    const auto end =
        std::find_if(left.begin(), left.end(), [before](const Arrival& arrival) { return arrival.at >= before; });
    Piece piece;
    piece.arrivals = left.first(std::min(most, static_cast<std::size_t>(end - left.begin())));
    piece.batch = batch.arrivals;
    piece.first = position_.arrivals;
    position_.arrivals += piece.arrivals.size();
    const bool batch_done = position_.arrivals == batch.arrivals->size();
    const VirtualTime bound = batch_done ? batch.watermark : (*batch.arrivals)[position_.arrivals].at;
    piece.complete = bound >= before;
    piece.watermark = std::min(bound, before);
    if (batch_done) {
        position_ = {position_.batches + 1, 0};
        ++batch_;
    }
    return piece;
}

}  // namespace replayd::stream
