#include "replay/sched/decode_stretch.hpp"

#include <algorithm>

namespace replayd {

std::int64_t steps_until_a_finish(const RequestTable& requests, const BatchDecision& decision, std::int64_t limit) {
    std::int64_t steps = limit;
    for (const ScheduledTokens& member : decision.members) {
        if (member.prefill) return 0;
        const RequestState& request = requests[member.slot];
        steps = std::min(steps, request.output - request.generated - 1);
    }
    return steps;
}

std::int64_t steps_within_blocks(const ReplicaState& replica, const RequestTable& requests,
                                 const BatchDecision& decision, std::int64_t steps, std::int64_t blocks) {
    const auto growth = [&](std::int64_t more) {
        std::int64_t grown = 0;
        for (const ScheduledTokens& member : decision.members) {
            const RequestState& request = requests[member.slot];
            grown += replica.missing_blocks(request, request.computed + 1 + more);
        }
        return grown;
    };
    if (steps <= 0 || blocks < 0) return 0;
    // Each member holds the blocks of what it has computed, so this bound needs no look at them.
    const auto members = static_cast<std::int64_t>(decision.members.size());
    if (members * ceil_div(steps + 1, replica.kv.block_tokens()) <= blocks) return steps;
    if (growth(steps) <= blocks) return steps;
    std::int64_t enough = 0;
    std::int64_t too_many = steps;
    while (too_many - enough > 1) {
        const std::int64_t middle = enough + (too_many - enough) / 2;
        (growth(middle) <= blocks ? enough : too_many) = middle;
    }
    return enough;
}

}  // namespace replayd
