#include "replay/memory/planned_moe.hpp"

#include <algorithm>
#include <cmath>

#include "replay/memory/deepep_buffers.hpp"
#include "replay/memory/moe_temporaries.hpp"

namespace replayd {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

std::int64_t physical_experts(const MoeSpec& moe, const PoolSpec& pool) {
    return moe.experts + pool.parallel.redundant_experts;
}

std::int64_t tokens_max(const PoolSpec& pool) {
    const std::int64_t drafts = pool.speculation ? pool.speculation->tokens : pool.runtime.draft_layers;
    return low_latency_tokens_max(pool.batching.max_sequences, drafts, pool.parallel.tensor);
}

Bytes total(const MoeTemporaries& temporaries) { return temporaries.peak + temporaries.indices; }

}  // namespace

std::int64_t expected_rows(std::int64_t tokens, std::int64_t experts, std::int64_t top_k, std::int64_t ranks) {
    const std::int64_t elsewhere = experts - experts / ranks;
    double missed = 1;  // no choice falls on this rank: C(elsewhere, top_k) / C(experts, top_k)
    for (std::int64_t i = 0; i < top_k; ++i) {
        missed *= static_cast<double>(std::max<std::int64_t>(elsewhere - i, 0)) / static_cast<double>(experts - i);
    }
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(tokens) * (1 - missed)));
}

Bytes deepep_temporaries(const ModelSpec& model, const PoolSpec& pool, std::int64_t step_tokens) {
    const MoeSpec& moe = *model.moe;
    const std::int64_t physical = physical_experts(moe, pool);
    MoeReceived received;
    received.local_experts = physical / pool.parallel.expert;
    received.top_k = moe.top_k;
    received.hidden = model.hidden;
    received.ffn = moe.ffn;
    received.activations = pool.weights == DataType::fp8 ? DataType::fp8 : DataType::bf16;
    if (pool.runtime.moe == MoeBackend::deepep_low_latency) {
        return total(low_latency_temporaries(received, pool.parallel.expert, tokens_max(pool)));
    }
    const std::int64_t group_tokens = step_tokens * pool.parallel.data;
    received.tokens = expected_rows(group_tokens, physical, moe.top_k, pool.parallel.expert);
    const std::int64_t expert_tokens = ceil_div(group_tokens * moe.top_k, physical);
    // Steps up to the threshold are masked, and the largest of those may need more than the largest step.
    MoeReceived masked = received;
    masked.tokens = std::min(received.tokens, pool.runtime.masked_tokens_max);
    const Bytes small = total(masked_temporaries(masked));
    const bool all_masked = hybrid_layout(received.tokens, pool.runtime.masked_tokens_max) == MoeLayout::masked;
    return all_masked ? small : std::max(small, total(balanced_temporaries(received, expert_tokens)));
}

std::vector<MemoryItem> deepep_items(const ModelSpec& model, const PoolSpec& pool) {
    if (!model.moe || !uses_deepep(pool.runtime.moe)) return {};
    if (pool.runtime.moe == MoeBackend::deepep_low_latency) {
        const std::int64_t experts = physical_experts(*model.moe, pool);
        return {{"DeepEP low-latency buffer", low_latency_buffer(model.hidden, experts, tokens_max(pool)),
                 number(experts) + " experts x " + number(tokens_max(pool)) + " tokens x hidden " +
                     number(model.hidden) + ", send and receive, twice",
                 ItemBasis::habit}};
    }
    const NormalBuffers buffers = normal_buffers(model.hidden, pool.parallel.expert);
    const std::string how = "EP " + number(pool.parallel.expert) + ", hidden " + number(model.hidden) + ", 20 SMs";
    return {{"DeepEP NVLink buffer", buffers.nvlink, how, ItemBasis::habit},
            {"DeepEP RDMA buffer", buffers.rdma, how, ItemBasis::habit}};
}

}  // namespace replayd
