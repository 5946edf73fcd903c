// The second half of a layer: dense FFN, or router, routed and shared experts with their exchange.

#include <utility>

#include "replay/cost/composition.hpp"
#include "replay/cost/efficiency.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;
/// An fp8 vector carries one fp32 scale per 128 elements, and each dispatched copy a 16-byte header (DeepEP).
constexpr double k_fp8_bytes_with_scale = 1 + 4.0 / 128;
constexpr double k_dispatch_header_bytes = 16;

/// Up (with gate), activation, down; the intermediate size is split over the tensor group.
void add_ffn(Composer& composer, const std::string& name, std::int64_t ffn, const StageCounts& counts) {
    const std::int64_t width = ceil_div(ffn, composer.pool.parallel.tensor);
    const std::int64_t up = composer.model.gated_ffn ? 2 * width : width;
    composer.add_gemm(name + ".up", composer.model.hidden, up, counts);
    composer.add_elementwise(name + ".activation", k_bf16_bytes * static_cast<double>(up + width), counts);
    composer.add_gemm(name + ".down", width, composer.model.hidden, counts);
}

/// The MoE layers of one rank: tensor × data GPUs hold the experts, `ranks` of them whole experts, and the
/// `slices` GPUs of each rank share an expert's columns.
struct MoeGroup {
    std::int64_t gpus = 1;
    std::int64_t ranks = 1;
    std::int64_t slices = 1;
    double nodes = 1;
    ExpertLoad load;
};

MoeGroup moe_group(const Composer& composer) {
    const ParallelSpec& parallel = composer.pool.parallel;
    const MoeSpec& moe = *composer.model.moe;
    const std::int64_t gpus = parallel.tensor * parallel.data;
    return {gpus, parallel.expert, gpus / parallel.expert,
            static_cast<double>(ceil_div(gpus, composer.pool.gpu.gpus_per_node)),
            ExpertLoad(parallel.data, moe.top_k, moe.experts, parallel.expert)};
}

void add_router(Composer& composer) {
    const double hidden = static_cast<double>(composer.model.hidden);
    const double experts = static_cast<double>(composer.model.moe->experts);
    OperatorSpec router;
    router.name = "moe.router";
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

void add_routed_experts(Composer& composer, const MoeGroup& group) {
    const ModelSpec& model = composer.model;
    const DataType weights = composer.pool.weights;
    const bool eight_bit = composer.runs_in_8_bit(weights);
    const double hidden = static_cast<double>(model.hidden);
    const double width = static_cast<double>(ceil_div(model.moe->ffn, group.slices));
    const double up = model.gated_ffn ? 2 * width : width;
    const double parameters = hidden * (up + width);

    OperatorSpec experts;
    experts.name = "moe.experts";
    experts.fixed = k_experts_fixed;
    experts.flops.per_a = 2 * parameters;
    experts.flops_per_s =
        composer.peak_flops(weights) * (eight_bit ? k_experts_compute_8bit : k_experts_compute_bf16);
    experts.bytes.constant = element_bytes(weights) * parameters;
    experts.bytes.per_a = (eight_bit ? 1 : k_bf16_bytes) * (hidden + width) + k_bf16_bytes * (up + hidden);
    experts.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * k_experts_memory;
    experts.experts = group.load;
    experts.counts = composer.layers.moe;
    const bool exchanged = composer.pool.parallel.data > 1 && group.ranks > 1;
    if (auto priced = composer.laws.experts(weights, *model.moe, model.hidden, group.slices, group.ranks, exchanged,
                                            group.load)) {
        // The tables measure the whole fused layer, scatter, activation and gather included.
        experts.fixed = Duration(0);
        experts.curve = FieldCurve{priced->curve, Field::rows};
        experts.provenance = std::move(priced->provenance);
        composer.add(std::move(experts));
        return;
    }
    composer.add(std::move(experts));

    // Scatter to experts' rows, activation between the products, weighted gather back.
    OperatorSpec permute;
    permute.name = "moe.permute";
    permute.bytes.per_a = k_bf16_bytes * (3 * hidden + up + width);
    permute.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * k_elementwise_memory;
    permute.experts = group.load;
    permute.counts = composer.layers.moe;
    composer.add(std::move(permute));
}

/// Copies of one token that leave a GPU over each kind of link.
struct Copies {
    double in_node = 0;
    double off_node = 0;
};

/// Balanced routing without limits on groups; decode pools use the low-latency kernels, others the normal ones.
Copies copies_per_token(const Composer& composer, const MoeGroup& group) {
    const double slices = static_cast<double>(group.slices);
    const double elsewhere = 1 - 1 / group.nodes;
    const double neighbours = 1 - group.nodes / static_cast<double>(group.gpus);
    if (composer.pool.role == PoolRole::decode) {
        const double sent = static_cast<double>(composer.model.moe->top_k) * slices;
        return {sent / group.nodes * neighbours, sent * elsewhere};
    }
    // Over the network once per distinct node, then fanned out inside it.
    return {group.load.distinct_groups(group.ranks) * slices * neighbours,
            group.load.distinct_groups(static_cast<std::int64_t>(group.nodes)) * elsewhere};
}

/// One direction of the exchange; the slower of the two links counts.
void add_all_to_all(Composer& composer, const MoeGroup& group, std::string name, double copy_bytes) {
    const GpuSpec& gpu = composer.pool.gpu;
    const bool low_latency = composer.pool.role == PoolRole::decode;
    const Copies copies = copies_per_token(composer, group);
    const double nvlink_share = low_latency ? k_all_to_all_low_latency_nvlink : k_all_to_all_normal_nvlink;
    const double nic_share = low_latency ? k_all_to_all_low_latency_nic : k_all_to_all_normal_nic;
    const double in_node_rate = gpu.nvlink_bytes_per_s > 0 ? gpu.nvlink_bytes_per_s * nvlink_share
                                                           : gpu.pcie_bytes_per_s * k_pcie_collective;
    const double off_node_rate = gpu.nic_bytes_per_s * nic_share;
    const bool network_bound =
        copies.off_node > 0 && copies.off_node * in_node_rate > copies.in_node * off_node_rate;

    OperatorSpec exchange;
    exchange.name = std::move(name);
    exchange.fixed = low_latency ? k_all_to_all_low_latency_fixed : k_all_to_all_normal_fixed;
    // The ranks of a tensor group hold the same tokens, so each sends its share of them.
    exchange.bytes.per_a = (network_bound ? copies.off_node : copies.in_node) * copy_bytes /
                           static_cast<double>(composer.pool.parallel.tensor);
    exchange.bytes_per_s = network_bound ? off_node_rate : in_node_rate;
    exchange.counts = composer.layers.moe;
    composer.add(std::move(exchange));
}

/// All-gather (or its mirror image, reduce-scatter) of `tokens_per_row` bf16 vectors over `gpus`.
void add_gather(Composer& composer, std::string name, std::int64_t gpus, double tokens_per_row) {
    const Link link = composer.link(gpus);
    const double ranks = static_cast<double>(gpus);
    OperatorSpec gather;
    gather.name = std::move(name);
    gather.fixed = link.fixed;
    gather.bytes.per_a =
        (ranks - 1) / ranks * tokens_per_row * k_bf16_bytes * static_cast<double>(composer.model.hidden);
    gather.bytes_per_s = link.bytes_per_s;
    gather.counts = composer.layers.moe;
    composer.add(std::move(gather));
}

/// Routed experts and the way there and back. With one scheduler rank every GPU already holds every token:
/// each computes its experts, and the all-reduce at the end of the layer adds them up.
void add_exchanged_experts(Composer& composer, const MoeGroup& group) {
    const ParallelSpec& parallel = composer.pool.parallel;
    const double data = static_cast<double>(parallel.data);
    const double hidden = static_cast<double>(composer.model.hidden);
    if (parallel.data == 1) {
        add_routed_experts(composer, group);
        composer.add_tensor_all_reduce("moe.all_reduce", composer.layers.moe);
    } else if (parallel.expert == 1) {
        add_gather(composer, "moe.all_gather", group.gpus, data);
        add_routed_experts(composer, group);
        add_gather(composer, "moe.reduce_scatter", group.gpus, data);
    } else {
        const bool fp8 = composer.pool.weights == DataType::fp8;
        add_all_to_all(composer, group, "moe.dispatch",
                       k_dispatch_header_bytes + (fp8 ? k_fp8_bytes_with_scale : k_bf16_bytes) * hidden);
        add_routed_experts(composer, group);
        add_all_to_all(composer, group, "moe.combine", k_bf16_bytes * hidden);
        if (parallel.tensor > 1) add_gather(composer, "moe.tensor_all_gather", parallel.tensor, 1);
    }
}

}  // namespace

void add_feed_forward(Composer& composer) {
    if (composer.model.ffn > 0) {
        add_ffn(composer, "ffn", composer.model.ffn, composer.layers.dense);
        composer.add_tensor_all_reduce("ffn.all_reduce", composer.layers.dense);
    }
    if (!composer.model.moe) return;
    add_router(composer);
    if (composer.model.moe->shared_ffn > 0) {
        add_ffn(composer, "moe.shared", composer.model.moe->shared_ffn, composer.layers.moe);
    }
    add_exchanged_experts(composer, moe_group(composer));
}

}  // namespace replayd::cost
