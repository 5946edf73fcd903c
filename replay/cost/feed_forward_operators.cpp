// The second half of a layer: dense FFN, or router, routed and shared experts with their exchange.

#include <utility>

#include "replay/cost/efficiency.hpp"
#include "replay/cost/moe_operators.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;

/// Up (with gate), activation, down; the intermediate size is split over the tensor group.
void add_ffn(Composer& composer, const std::string& name, std::int64_t ffn, const StageCounts& counts) {
    const std::int64_t width = ceil_div(ffn, composer.pool.parallel.tensor);
    const std::int64_t up = composer.model.gated_ffn ? 2 * width : width;
    composer.add_gemm(name + ".up", composer.model.hidden, up, counts);
    composer.add_elementwise(name + ".activation", k_bf16_bytes * static_cast<double>(up + width), counts);
    composer.add_gemm(name + ".down", width, composer.model.hidden, counts);
}

void add_router(Composer& composer, const MoeStrategy& strategy) {
    const double hidden = static_cast<double>(composer.model.hidden);
    const double experts = static_cast<double>(composer.model.moe->experts);
    OperatorSpec router;
    router.name = "moe.router";
    router.provenance += "; strategy " + std::string(strategy.name);
    router.fixed = k_router_fixed;
    router.flops.per_a = 2 * hidden * experts;
    router.flops_per_s = composer.pool.gpu.bf16_flops * k_gemm_compute_bf16;
    router.bytes.constant = k_bf16_bytes * hidden * experts;
    // Token in; scores written, then read by top-k (fp32).
    router.bytes.per_a = k_bf16_bytes * hidden + 8 * experts;
    router.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * k_elementwise_memory;
    router.counts = composer.layers.moe;
    composer.add(std::move(router));
}

}  // namespace

void add_dense_feed_forward(Composer& composer) {
    if (composer.model.ffn > 0) {
        add_ffn(composer, "ffn", composer.model.ffn, composer.layers.dense);
        composer.add_tensor_all_reduce("ffn.all_reduce", composer.layers.dense);
    }
}

void add_expert_feed_forward(Composer& composer) {
    if (!composer.model.moe) return;
    const MoeGroup group = moe_group(composer.model, composer.pool);
    add_router(composer, group.strategy);
    const std::size_t shared = composer.size();
    if (composer.model.moe->shared_ffn > 0) {
        add_ffn(composer, "moe.shared", composer.model.moe->shared_ffn, composer.layers.moe);
    }
    if (composer.pool.runtime.moe_overlap == MoeOverlap::shared_experts) {
        composer.hide_behind(shared, composer.size(), composer.layers.moe, HidingStage::any);
    }
    add_dispatch(composer, group);
    add_routed_experts(composer, group);
    add_combine(composer, group);
}

}  // namespace replayd::cost
