#pragma once
// How long a decode batch repeats unchanged, request by request.

#include <cstdint>

#include "replay/sched/batch_policy.hpp"

namespace replayd {

/// Further steps until the first member makes its last token in one of them, at most `limit`; 0 if a member
/// is not decoding.
[[nodiscard]] std::int64_t steps_until_a_finish(const RequestTable& requests, const BatchDecision& decision,
                                                std::int64_t limit);

/// The most further steps, up to `steps`, whose KV growth takes no more than `blocks` blocks. O(members × log steps).
[[nodiscard]] std::int64_t steps_within_blocks(const ReplicaState& replica, const RequestTable& requests,
                                               const BatchDecision& decision, std::int64_t steps, std::int64_t blocks);

}  // namespace replayd
