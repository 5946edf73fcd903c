#pragma once
// The decoding requests at the front of a replica's running list, while each of them takes one token a step. They
// are advanced together: a step costs O(1), not O(requests). Kept are only the sum of their contexts, who finishes
// after which step, and after which step somebody's last KV block is full. Progress and blocks of the requests are
// as of the step in which they joined, until they finish or the set is settled.

#include <cstdint>
#include <vector>

#include "replay/sched/replica_state.hpp"
#include "replay/sched/request_state.hpp"

namespace replayd {

class DecodeSet {
public:
    explicit DecodeSet(std::int64_t block_tokens = 1)
        : block_tokens_(block_tokens), due_(static_cast<std::size_t>(block_tokens)), later_(due_.size()) {}

    /// Members: the first size() of the running list.
    [[nodiscard]] std::int64_t size() const { return size_; }
    /// Σ over members of the context length in the next step, its new token included.
    [[nodiscard]] std::int64_t context() const { return context_; }

    /// The idle decoding request `slot`, next in the running list, joins. False, and nothing happens, if it holds
    /// blocks for more steps ahead than are kept track of.
    bool join(const ReplicaState& replica, RequestTable& requests, RequestSlot slot);

    /// Steps until the first member makes its last token, that one included. Precondition: size() > 0.
    [[nodiscard]] std::int64_t steps_to_finish() const { return finishes_.front().step - step_; }

    /// Blocks that the step after the last reserved one needs.
    [[nodiscard]] std::int64_t next_growth() const { return due_[place(1)]; }
    /// The most steps after the last reserved one, up to `steps`, that need no more than `blocks` blocks.
    [[nodiscard]] std::int64_t steps_within(std::int64_t steps, std::int64_t blocks) const;
    /// Blocks for `steps` further steps are given to the members; returns how many. O(block_tokens).
    std::int64_t reserve(std::int64_t steps);
    /// Steps that have blocks and have not ended.
    [[nodiscard]] std::int64_t reserved_steps() const { return reserved_ - step_; }

    /// `steps` steps have ended. Precondition: reserved, and no more than steps_to_finish().
    void advance(std::int64_t steps);
    /// Members that have made their last token leave the set and the running list, up to date, in its order.
    void take_finished(ReplicaState& replica, RequestTable& requests, std::vector<RequestSlot>& finished);
    /// Brings every member up to date and leaves the set empty.
    void settle(const ReplicaState& replica, RequestTable& requests);

private:
    struct Finish {
        std::int64_t step = 0;
        RequestSlot slot = 0;
        bool operator<(const Finish& other) const { return step > other.step; }  // of a heap with the earliest on top
    };

    /// Of the step that comes `ahead` steps after the last reserved one, up to block_tokens.
    [[nodiscard]] std::size_t place(std::int64_t ahead) const {
        const std::int64_t place = phase_ + ahead;
        return static_cast<std::size_t>(place < block_tokens_ ? place : place - block_tokens_);
    }
    /// Steps until the one in which the request, up to date, needs its next block, that one included.
    [[nodiscard]] std::int64_t steps_to_due(const ReplicaState& replica, const RequestState& request) const;
    /// Where a request that needs its next block after `ahead` steps is counted. Precondition: at most 2 block_tokens.
    [[nodiscard]] std::int32_t& due_after(std::int64_t ahead);
    [[nodiscard]] std::int64_t reserve_one();
    void bring_up_to_date(const ReplicaState& replica, RequestState& request) const;

    std::int64_t block_tokens_;
    std::int64_t size_ = 0;
    std::int64_t context_ = 0;
    std::int64_t step_ = 0;      ///< steps that have ended
    std::int64_t reserved_ = 0;  ///< the last step with blocks
    std::vector<Finish> finishes_;
    // A member needs a block every block_tokens steps, so a ring of so many places says who needs one when, for good:
    // taking blocks reads it and writes nothing. Who has blocks for longer is counted apart until that is over.
    std::int64_t phase_ = 0;           ///< place of the last step with blocks
    std::vector<std::int32_t> due_;    ///< members that need a block in a step, by its place
    std::vector<std::int32_t> later_;  ///< those who do so one round later for the first time
    std::int64_t in_later_ = 0;        ///< their number
};

}  // namespace replayd
