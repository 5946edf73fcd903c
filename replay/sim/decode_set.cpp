#include "replay/sim/decode_set.hpp"

#include <algorithm>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd {

std::int64_t DecodeSet::steps_to_due(const ReplicaState& replica, const RequestState& request) const {
    return (request.blocks - replica.state_blocks) * block_tokens_ - request.computed + 1;
}

std::int32_t& DecodeSet::due_after(std::int64_t ahead) {
    return ahead <= block_tokens_ ? due_[place(ahead)] : later_[place(ahead - block_tokens_)];
}

bool DecodeSet::join(const ReplicaState& replica, RequestTable& requests, RequestSlot slot) {
    RequestState& request = requests[slot];
    const std::int64_t ahead = steps_to_due(replica, request);
    REPLAYD_ASSERT(reserved_ == step_ && ahead > 0);
    if (ahead > 2 * block_tokens_) return false;
    ++due_after(ahead);
    if (ahead > block_tokens_) ++in_later_;
    finishes_.push_back({step_ + request.output - request.generated, slot});
    std::push_heap(finishes_.begin(), finishes_.end());
    request.set_step = step_;
    context_ += request.computed + 1;
    ++size_;
    return true;
}

std::int64_t DecodeSet::steps_within(std::int64_t steps, std::int64_t blocks) const {
    if (steps <= 0 || blocks < 0) return 0;
    if (size_ * ceil_div(steps, block_tokens_) <= blocks) return steps;
    std::int64_t grown = 0;
    std::size_t at = place(1);
    for (std::int64_t ahead = 1; ahead <= steps; ++ahead) {
        grown += due_[at];
        if (ahead > block_tokens_) grown += later_[at];
        if (grown > blocks) return ahead - 1;
        if (++at == due_.size()) at = 0;
    }
    return steps;
}

std::int64_t DecodeSet::reserve_one() {
    ++reserved_;
    phase_ = static_cast<std::int64_t>(place(1));
    std::int32_t& due = due_[place(0)];
    std::int32_t& later = later_[place(0)];
    const std::int64_t grown = due;
    due += later;
    in_later_ -= later;
    later = 0;
    return grown;
}

std::int64_t DecodeSet::reserve(std::int64_t steps) {
    std::int64_t grown = 0;
    for (; steps > 0 && in_later_ > 0; --steps) grown += reserve_one();
    reserved_ += steps;
    if (steps >= block_tokens_) {  // every member needs one each round
        grown += steps / block_tokens_ * size_;
        steps %= block_tokens_;
    }
    for (; steps > 0; --steps) {
        phase_ = static_cast<std::int64_t>(place(1));
        grown += due_[place(0)];
    }
    return grown;
}

void DecodeSet::advance(std::int64_t steps) {
    REPLAYD_ASSERT(steps <= reserved_steps());
    step_ += steps;
    context_ += steps * size_;
}

void DecodeSet::bring_up_to_date(const ReplicaState& replica, RequestState& request) const {
    const std::int64_t steps = step_ - request.set_step;
    request.set_step = step_;
    request.computed += steps;
    request.generated += steps;
    request.blocks += replica.missing_blocks(request, request.computed + reserved_steps());
}

void DecodeSet::take_finished(ReplicaState& replica, RequestTable& requests, std::vector<RequestSlot>& finished) {
    const std::size_t before = finished.size();
    while (!finishes_.empty() && finishes_.front().step == step_) {
        std::pop_heap(finishes_.begin(), finishes_.end());
        finished.push_back(finishes_.back().slot);
        finishes_.pop_back();
    }
    if (finished.size() == before) return;
    REPLAYD_ASSERT(reserved_ == step_);
    for (std::size_t i = before; i < finished.size(); ++i) {
        RequestState& request = requests[finished[i]];
        bring_up_to_date(replica, request);
        const std::int64_t ahead = steps_to_due(replica, request);
        --due_after(ahead);
        if (ahead > block_tokens_) --in_later_;
        context_ -= request.computed + 1;
    }
    size_ -= static_cast<std::int64_t>(finished.size() - before);
    if (finished.size() == before + 1) {
        replica.running.erase(std::find(replica.running.begin(), replica.running.end(), finished.back()));
        return;
    }
    // One pass: out of the running list, in its order.
    for (std::size_t i = before; i < finished.size(); ++i) requests[finished[i]].moving = true;
    finished.resize(before);
    std::erase_if(replica.running, [&](RequestSlot slot) {
        if (requests[slot].moving) finished.push_back(slot);
        return std::exchange(requests[slot].moving, false);
    });
}

void DecodeSet::settle(const ReplicaState& replica, RequestTable& requests) {
    for (std::int64_t i = 0; i < size_; ++i) {
        bring_up_to_date(replica, requests[replica.running[static_cast<std::size_t>(i)]]);
    }
    if (size_ > 0) std::fill(due_.begin(), due_.end(), 0);
    if (in_later_ > 0) std::fill(later_.begin(), later_.end(), 0);
    in_later_ = 0;
    finishes_.clear();
    size_ = context_ = 0;
    reserved_ = step_;
}

}  // namespace replayd
