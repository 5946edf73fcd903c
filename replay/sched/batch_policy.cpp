#include "replay/sched/batch_policy.hpp"

#include "replay/base/assert.hpp"
#include "replay/sched/lightllm.hpp"
#include "replay/sched/reserving.hpp"
#include "replay/sched/sarathi.hpp"
#include "replay/sched/vllm_prefill_first.hpp"
#include "replay/sched/vllm_v1.hpp"

namespace replayd {

std::string blocks_refusal(const ReplicaState& replica, std::int64_t tokens, std::int64_t blocks,
                           std::int64_t available) {
    if (blocks <= available) return {};
    return "needs " + std::to_string(blocks) + " KV blocks for " + std::to_string(tokens) + " tokens: a replica of " +
           "the pool can give it " + std::to_string(available) + " of " + std::to_string(replica.kv.capacity());
}

std::string BatchPolicy::refusal(const ReplicaState& replica, std::int64_t, std::int64_t context) const {
    return blocks_refusal(replica, context, replica.blocks_for(context), replica.kv.capacity());
}

std::shared_ptr<const BatchPolicy> make_batch_policy(const PoolSpec& pool, std::int64_t blocks) {
    switch (pool.batching.policy) {
        case BatchPolicyKind::vllm_v1: return std::make_shared<VllmV1Policy>(pool.batching, pool.drafts_max());
        case BatchPolicyKind::vllm: return std::make_shared<VllmPrefillFirstPolicy>(pool, blocks);
        case BatchPolicyKind::sarathi: return std::make_shared<SarathiPolicy>(pool, blocks);
        case BatchPolicyKind::orca: return std::make_shared<OrcaPolicy>(pool);
        case BatchPolicyKind::faster_transformer: return std::make_shared<FasterTransformerPolicy>(pool);
        case BatchPolicyKind::lightllm: return std::make_shared<LightllmPolicy>(pool);
    }
    REPLAYD_ASSERT(false && "a batch policy without an implementation");
}

}  // namespace replayd
