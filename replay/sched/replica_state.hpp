#pragma once
// What a scheduler sees of one replica: its queues and its KV blocks. With data-parallel attention every
// rank schedules by itself and is a replica here.

#include <cstdint>
#include <deque>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/kv/block_pool.hpp"
#include "replay/sched/request_state.hpp"

namespace replayd {

struct ReplicaState {
    std::int32_t index = 0;            ///< over all pools
    std::size_t pool = 0;
    BlockPool kv;
    std::int64_t state_blocks = 0;     ///< blocks that hold a request's fixed state (linear attention)

    QueueOrder order = QueueOrder::fcfs;
    /// First the requests whose KV is here already or has been loaded from the host (they need no block to start), then
    /// the others; each of the two parts in `order`.
    std::deque<RequestSlot> waiting{};
    std::vector<RequestSlot> running{};  ///< in order of admission
    std::vector<RequestSlot> spare_slots{};  ///< empty memory for policies that take lists apart
    std::vector<RequestSlot> unseen{};   ///< came after the step to form next was decided, see
                                         ///< BatchingSpec::asynchronous
    std::vector<RequestSlot> leaving{};  ///< finished after that: they hold their blocks and count as running until it
                                         ///< is formed
    std::int64_t incoming = 0;         ///< requests whose KV is reserved here and on its way, from elsewhere or the
                                       ///< host

    std::int64_t deferred_blocks = 0;       ///< of finished requests, under a policy that releases them together
    std::int64_t steps_since_admission = 0; ///< lightllm: decode batches since it last looked at the queue

    std::int64_t outstanding_requests = 0;  ///< routed here and not left
    std::int64_t outstanding_tokens = 0;    ///< their prompt and output tokens

    /// Queued, seen by the scheduler or not.
    [[nodiscard]] std::int64_t queued() const { return static_cast<std::int64_t>(waiting.size() + unseen.size()); }
    /// Blocks that a request with `tokens` computed tokens holds.
    [[nodiscard]] std::int64_t blocks_for(std::int64_t tokens) const { return kv.blocks_for(tokens) + state_blocks; }
    /// Blocks that it needs beside those it holds, to have `tokens` tokens computed.
    [[nodiscard]] std::int64_t missing_blocks(const RequestState& request, std::int64_t tokens) const {
        // Most of the time the last block has room, which takes no division to see.
        if (tokens <= (request.blocks - state_blocks) * kv.block_tokens()) return 0;
        return blocks_for(tokens) - request.blocks;
    }
};

/// The cached prefix that a request could start from: nothing without prefix caching, without hashes, or when
/// it has KV of its own.
[[nodiscard]] PrefixMatch match_prefix(const ReplicaState& replica, const RequestTable& requests, RequestSlot slot);

/// Shares the matched prefix with the request, which starts behind it. Blocks for what the host has of it are not
/// allocated.
void start_from_prefix(ReplicaState& replica, RequestTable& requests, RequestSlot slot, const PrefixMatch& match);

/// Begins to load what only the host has of the matched prefix of the head of the queue: the request leaves the queue
/// with the blocks of its whole prompt, so that it needs no more to start when the load has ended. False, with nothing
/// changed, while there are not enough.
[[nodiscard]] bool begin_load(ReplicaState& replica, RequestTable& requests, RequestSlot slot,
                              const PrefixMatch& match);

/// Makes the hashed blocks of the prompt up to `computed` tokens shareable. As in vLLM this happens when they
/// are scheduled: requests admitted to the same step find them.
void share_computed(ReplicaState& replica, RequestTable& requests, RequestSlot slot, std::int64_t computed);

/// Gives back every block that the request holds; shared ones stay cached.
void release_kv(ReplicaState& replica, RequestTable& requests, RequestSlot slot);

/// Queues a request that just came. True if it is the head of the queue now; behind another one nothing changes for a
/// scheduler. O(requests waiting) in the worst case, O(1) under fcfs.
bool enqueue(ReplicaState& replica, const RequestTable& requests, RequestSlot slot);

/// Queues a request whose KV has arrived, before those that must compute: such a request must never wait behind one
/// that needs the very blocks it holds. Under fcfs behind others of its kind.
void enqueue_ready(ReplicaState& replica, const RequestTable& requests, RequestSlot slot);

/// Brings the waiting requests into another order; fcfs leaves them as they stand.
void reorder_queue(ReplicaState& replica, const RequestTable& requests, QueueOrder order);

/// Recompute preemption: takes the KV of a request away and queues it, under fcfs as the first of those that must
/// compute.
void preempt(ReplicaState& replica, RequestTable& requests, RequestSlot slot);

}  // namespace replayd
