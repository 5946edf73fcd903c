#pragma once
// Requests taken out of a running list, in order: popped at both ends while a batch is formed. The vector that
// carries them comes from the replica and goes back to it, so forming a batch allocates nothing in the long run.

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "replay/sched/request_state.hpp"

namespace replayd {

class SlotQueue {
public:
    explicit SlotQueue(std::vector<RequestSlot>&& slots) : slots_(std::move(slots)) {}

    [[nodiscard]] bool empty() const { return head_ == slots_.size(); }
    [[nodiscard]] std::size_t size() const { return slots_.size() - head_; }
    RequestSlot pop_front() { return slots_[head_++]; }
    RequestSlot pop_back() {
        const RequestSlot slot = slots_.back();
        slots_.pop_back();
        return slot;
    }
    void push_back(RequestSlot slot) { slots_.push_back(slot); }
    [[nodiscard]] std::span<RequestSlot> slots() { return std::span(slots_).subspan(head_); }
    [[nodiscard]] std::span<const RequestSlot> slots() const { return std::span(slots_).subspan(head_); }

    /// Gives the memory back, emptied.
    [[nodiscard]] std::vector<RequestSlot> release() {
        slots_.clear();
        head_ = 0;
        return std::move(slots_);
    }

private:
    std::vector<RequestSlot> slots_;
    std::size_t head_ = 0;
};

}  // namespace replayd
