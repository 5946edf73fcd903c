#include "daemon/replayctl/batch_source.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <variant>
#include <vector>

#include "daemon/protocol/codec.hpp"
#include "daemon/protocol/validate.hpp"
#include "daemon/replayctl/human_text.hpp"

namespace replayd::ctl {

Result<void> BatchSource::resume(const protocol::Welcome& welcome) {
    if (!started_) {
        started_ = true;
        next_seq_ = welcome.next_seq;
        return skip(welcome);
    }
    const std::uint64_t oldest = frames_.empty() ? next_seq_ : frames_.front().seq;
    if (welcome.next_seq < oldest || welcome.next_seq > next_seq_) {
        return fail(Code::failed_state, "the daemon asks for batch " + std::to_string(welcome.next_seq) +
                                            ": expected " + std::to_string(oldest) + " to " +
                                            std::to_string(next_seq_) +
                                            "; was its history replaced, or did another client feed the stream?");
    }
    acknowledge(welcome.next_seq - 1);
    sent_ = 0;
    in_flight_ = 0;
    return {};
}

/// Passes over what is durable, and makes sure that it is the beginning of this trace.
Result<void> BatchSource::skip(const protocol::Welcome& welcome) {
    constexpr std::int64_t k_slice = 10'000;
    std::vector<Arrival> last;
    while (skipped_ < welcome.arrivals) {
        auto slice = trace_.take(static_cast<std::size_t>(std::min(k_slice, welcome.arrivals - skipped_)));
        if (!slice) return tl::unexpected(slice.error());
        if (slice->empty()) break;
        skipped_ += static_cast<std::int64_t>(slice->size());
        last = std::move(*slice);
    }
    const std::string holds = "the stream holds " + count_text(welcome.arrivals) + " arrivals";
    const std::string hint = ": is it another trace? Choose another --stream";
    if (skipped_ < welcome.arrivals) {
        return fail(Code::failed_state, holds + ", but this trace has " + count_text(skipped_) + hint);
    }
    if (!last.empty() && last.back().at > welcome.watermark) {
        return fail(Code::failed_state, holds + " up to " + std::to_string(welcome.watermark.ns) +
                                            " ns, but in this trace so many reach " +
                                            std::to_string(last.back().at.ns) + " ns" + hint);
    }
    if (!welcome.ended) return {};
    const auto more = make_frame();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return {};
    return fail(Code::failed_state, "the stream has ended with " + count_text(welcome.arrivals) +
                                        " arrivals, but this trace goes on" + hint);
}

Result<bool> BatchSource::make_frame() {
    std::vector<Arrival> arrivals = std::exchange(rest_, {});
    if (arrivals.empty()) {
        auto taken = trace_.take(batch_);
        if (!taken) return tl::unexpected(taken.error());
        arrivals = std::move(*taken);
    }
    if (arrivals.empty()) return false;
    if (auto added = add_frame(std::move(arrivals)); !added) return tl::unexpected(added.error());
    return true;
}

Result<void> BatchSource::add_frame(std::vector<Arrival> arrivals) {
    protocol::ArrivalBatch batch;
    batch.seq = next_seq_++;
    batch.arrivals = std::move(arrivals);
    if (auto wrong = protocol::violation(batch)) return tl::unexpected(std::move(*wrong));
    Frame frame{batch.seq, static_cast<std::int64_t>(batch.arrivals.size()), ""};
    frame.bytes = protocol::encode_client_message(std::move(batch), binary_);
    frames_.push_back(std::move(frame));
    return {};
}

Result<void> BatchSource::cut(std::int64_t arrivals) {
    const Frame& frame = frames_.back();
    if (sent_ + 1 != frames_.size() || frame.seq <= highest_sent_ || frame.arrivals <= arrivals) return {};
    auto message = protocol::decode_client_message(frame.bytes, binary_);
    if (!message) return tl::unexpected(message.error());
    std::vector<Arrival> first = std::move(std::get<protocol::ArrivalBatch>(*message).arrivals);
    const auto at = first.begin() + arrivals;
    rest_.insert(rest_.begin(), std::make_move_iterator(at), std::make_move_iterator(first.end()));
    first.erase(at, first.end());
    frames_.pop_back();
    --next_seq_;
    return add_frame(std::move(first));
}

Result<const Frame*> BatchSource::peek() {
    if (sent_ == frames_.size()) {
        const auto more = make_frame();
        if (!more) return tl::unexpected(more.error());
        if (!*more) return nullptr;
    }
    return &frames_[sent_];
}

void BatchSource::sent() {
    const Frame& frame = frames_[sent_++];
    in_flight_ += frame.arrivals;
    if (frame.seq <= highest_sent_) return;
    highest_sent_ = frame.seq;
    sent_arrivals_ += frame.arrivals;
}

void BatchSource::acknowledge(std::uint64_t seq) {
    while (!frames_.empty() && frames_.front().seq <= seq) {
        if (sent_ > 0) {
            --sent_;
            in_flight_ -= frames_.front().arrivals;
        }
        frames_.pop_front();
    }
}

}  // namespace replayd::ctl
