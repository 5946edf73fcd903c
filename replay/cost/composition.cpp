#include "replay/cost/composition.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "replay/catalog/pipeline_stage.hpp"
#include "replay/cost/efficiency.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;
constexpr double k_fp32_bytes = 4;
/// The public tables of one-shot all-reduces end here.
constexpr std::int64_t k_one_shot_gpus_max = 8;

void add_embedding(Composer& composer) {
    const double hidden = static_cast<double>(composer.model.hidden);
    composer.add_elementwise("embedding", 2 * k_bf16_bytes * hidden, composer.layers.first);
    composer.add_tensor_all_reduce("embedding.all_reduce", composer.layers.first);
}

/// Hidden vector and residual, each tensor rank sending its share, to the next stage.
void add_pipeline_send(Composer& composer) {
    const ParallelSpec& parallel = composer.pool.parallel;
    if (parallel.pipeline == 1) return;
    OperatorSpec send;
    send.name = "pipeline.send";
    send.provenance = composer.laws.own_constants();
    send.fixed = k_send_fixed;
    send.bytes.per_a =
        2 * k_bf16_bytes * static_cast<double>(composer.model.hidden) / static_cast<double>(parallel.tensor);
    const GpuSpec& gpu = composer.pool.gpu;
    const bool over_nvlink = parallel.gpus() <= gpu.gpus_per_node && gpu.nvlink_bytes_per_s > 0;
    send.bytes_per_s =
        over_nvlink ? gpu.nvlink_bytes_per_s * k_nvlink_send : composer.link(parallel.gpus()).bytes_per_s;
    send.counts = composer.layers.senders;
    composer.add(std::move(send));
}

/// The head stays in bf16 in quantised checkpoints; each rank holds a slice of the vocabulary.
void add_head(Composer& composer) {
    const std::int64_t tensor = composer.pool.parallel.tensor;
    const std::int64_t vocab = composer.model.vocab;
    composer.add_gemm("lm_head", composer.model.hidden, ceil_div(vocab, tensor), composer.layers.last,
                      Field::sampled_sequences, Field::sampled_sequences, DataType::bf16);
    if (tensor > 1) {
        const Link link = composer.link(tensor);
        OperatorSpec gather;
        gather.name = "lm_head.all_gather";
        gather.gate = Field::sampled_sequences;
        gather.fixed = link.fixed;
        gather.bytes.a = Field::sampled_sequences;
        gather.bytes.per_a = k_bf16_bytes * static_cast<double>(ceil_div(vocab, tensor) * (tensor - 1));
        gather.bytes_per_s = link.bytes_per_s;
        gather.counts = composer.layers.last;
        composer.add(std::move(gather));
    }
    OperatorSpec sampler;
    sampler.name = "sampler";
    sampler.provenance = composer.laws.own_constants();
    sampler.gate = Field::sampled_sequences;
    sampler.fixed = k_sampler_fixed;
    sampler.bytes.a = Field::sampled_sequences;
    sampler.bytes.per_a = k_sampler_passes * k_fp32_bytes * static_cast<double>(vocab);
    sampler.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * k_elementwise_memory;
    sampler.counts = composer.layers.last;
    composer.add(std::move(sampler));
}

void add_host(Composer& composer) {
    OperatorSpec host;
    host.name = "host";
    host.provenance = composer.laws.own_constants();
    host.fixed = k_host_step;
    host.counts = composer.layers.first;
    composer.add(std::move(host));
}

}  // namespace

Duration exchange_entry(const GpuSpec& gpu) {
    return gpu.nvlink_bytes_per_s > 0 ? k_exchange_entry : k_pcie_exchange_entry;
}

double element_bytes(DataType type) { return static_cast<double>(bits(type)) / 8; }

LayerCounts layer_counts(const ModelSpec& model, std::int64_t stages) {
    LayerCounts counts;
    for (std::int64_t i = 0; i < stages; ++i) {
        const PipelineStage stage = pipeline_stage(model, stages, i);
        counts.all.push_back(stage.layers);
        counts.full.push_back(stage.full_attention);
        counts.linear.push_back(stage.linear_attention);
        counts.dense.push_back(stage.dense);
        counts.moe.push_back(stage.moe);
        counts.first.push_back(stage.holds_embedding ? 1 : 0);
        counts.last.push_back(stage.holds_head ? 1 : 0);
        counts.senders.push_back(stage.holds_head ? 0 : 1);
    }
    return counts;
}

Composer::Composer(const ModelSpec& model_spec, const PoolSpec& pool_spec)
    : model(model_spec),
      pool(pool_spec),
      layers(layer_counts(model_spec, pool_spec.parallel.pipeline)),
      laws(model_spec, pool_spec) {}

bool Composer::runs_in_8_bit(DataType type) const {
    return (type == DataType::fp8 && pool.gpu.fp8_flops > 0) || (type == DataType::int8 && pool.gpu.int8_ops > 0);
}

double Composer::peak_flops(DataType type) const {
    if (!runs_in_8_bit(type)) return pool.gpu.bf16_flops;
    return type == DataType::fp8 ? pool.gpu.fp8_flops : pool.gpu.int8_ops;
}

Link Composer::link(std::int64_t group_gpus) const {
    const GpuSpec& gpu = pool.gpu;
    if (group_gpus > gpu.gpus_per_node) return {gpu.nic_bytes_per_s * k_nic_collective, k_network_collective_fixed};
    if (gpu.nvlink_bytes_per_s > 0) return {gpu.nvlink_bytes_per_s * k_nvlink_collective, k_collective_fixed};
    return {gpu.pcie_bytes_per_s * k_pcie_collective, k_network_collective_fixed};
}

Link Composer::collective_link(std::int64_t group_gpus) const {
    const GpuSpec& gpu = pool.gpu;
    if (group_gpus <= gpu.gpus_per_node || gpu.nvlink_bytes_per_s <= 0) return link(group_gpus);
    const double cards = static_cast<double>(gpu.gpus_per_node) * gpu.nic_bytes_per_s * k_nic_collective;
    return {std::min(gpu.nvlink_bytes_per_s * k_nvlink_collective, cards), k_network_collective_fixed};
}

void Composer::hide_behind(std::size_t begin, std::size_t end, const StageCounts& hiding, HidingStage part) {
    for (std::size_t i = begin; i < end; ++i) {
        OperatorSpec& op = operators_[i];
        if (op.travel) continue;
        op.hiding_stage = part;
        op.hides.resize(op.counts.size());
        for (std::size_t stage = 0; stage < op.counts.size(); ++stage) {
            const std::int64_t all = layers.all[stage];
            op.hides[stage] = op.counts[stage] == hiding[stage] || all == 0 ? std::min(op.counts[stage], hiding[stage])
                                                                          : op.counts[stage] * hiding[stage] / all;
        }
    }
}

std::size_t Composer::dispatched() const {
    const auto first = std::find_if(operators_.begin(), operators_.end(),
                                    [](const OperatorSpec& op) { return op.travel.has_value(); });
    return static_cast<std::size_t>(first - operators_.begin());
}

void Composer::halve(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
        OperatorSpec& op = operators_[i];
        op.fixed = 2 * op.fixed;
        op.flops.constant *= op.experts ? 1 : 2;
        op.bytes.constant *= op.experts ? 1 : 2;
        op.micro_batches = 2;
        if (op.curve) op.curve->curve = op.curve->curve.halved();
        op.provenance += "; two halves";
    }
}

void Composer::add_gemm(std::string name, std::int64_t k, std::int64_t n, const StageCounts& counts, Field field,
                        Field gate, DataType type) {
    const double inputs = static_cast<double>(k);
    const double outputs = static_cast<double>(n);
    const bool eight_bit = runs_in_8_bit(type);
    OperatorSpec gemm;
    gemm.name = std::move(name);
    gemm.gate = gate;
    gemm.fixed = k_gemm_fixed;
    gemm.flops = {0, 2 * inputs * outputs, field, 0, field};
    gemm.flops_per_s = peak_flops(type) * (eight_bit ? k_gemm_compute_8bit : k_gemm_compute_bf16);
    const double input_bytes = eight_bit ? 1 : k_bf16_bytes;
    gemm.bytes = {element_bytes(type) * inputs * outputs, input_bytes * inputs + k_bf16_bytes * outputs, field, 0,
                  field};
    gemm.bytes_per_s = pool.gpu.hbm_bytes_per_s * k_gemm_memory;
    gemm.counts = counts;
    // A curve ends at 2^23 rows; sums of contexts may be larger.
    const bool fits_curve = at(k_field_max, field) <= at(k_field_max, Field::rows);
    if (auto priced = fits_curve ? laws.gemm(type, k, n) : std::nullopt) {
        gemm.fixed = Duration(0);
        gemm.curve = FieldCurve{priced->curve, field};
        gemm.provenance = std::move(priced->provenance);
    }
    add(std::move(gemm));
}

void Composer::add_gemm(std::string name, std::int64_t k, std::int64_t n, const StageCounts& counts) {
    add_gemm(std::move(name), k, n, counts, Field::rows, Field::rows, pool.weights);
}

void Composer::add_elementwise(std::string name, double bytes_per_token, const StageCounts& counts, Field field) {
    OperatorSpec kernel;
    kernel.name = std::move(name);
    kernel.gate = field;
    kernel.fixed = k_elementwise_fixed;
    kernel.bytes.a = field;
    kernel.bytes.per_a = bytes_per_token;
    kernel.bytes_per_s = pool.gpu.hbm_bytes_per_s * k_elementwise_memory;
    kernel.counts = counts;
    if (at(k_field_max, field) <= at(k_field_max, Field::rows)) {  // a curve's end
        PricedCurve priced = laws.elementwise(bytes_per_token);
        kernel.fixed = Duration(0);
        kernel.curve = FieldCurve{priced.curve, field};
        kernel.provenance = std::move(priced.provenance);
    }
    add(std::move(kernel));
}

void Composer::add_tensor_all_reduce(std::string name, const StageCounts& counts) {
    const std::int64_t tensor = pool.parallel.tensor;
    if (tensor == 1) return;
    const Link over = link(tensor);
    const double ranks = static_cast<double>(tensor);
    OperatorSpec reduce;
    reduce.name = std::move(name);
    reduce.fixed = over.fixed;
    reduce.bytes.per_a = 2 * (ranks - 1) / ranks * k_bf16_bytes * static_cast<double>(model.hidden);
    reduce.bytes_per_s = over.bytes_per_s;
    reduce.counts = counts;
    if (tensor <= std::min(k_one_shot_gpus_max, pool.gpu.gpus_per_node)) {
        PricedCurve priced = laws.all_reduce(tensor, model.hidden);
        reduce.fixed = Duration(0);
        reduce.curve = FieldCurve{priced.curve, Field::rows};
        reduce.provenance = std::move(priced.provenance);
    }
    add(std::move(reduce));
}

std::vector<OperatorSpec> compose(const ModelSpec& model, const PoolSpec& pool) {
    Composer composer(model, pool);
    // Fused with the residual addition: two vectors read, two written.
    const double norm_bytes = 4 * k_bf16_bytes * static_cast<double>(model.hidden);
    add_host(composer);
    add_embedding(composer);
    const std::size_t attention = composer.size();
    composer.add_elementwise("attention.norm", norm_bytes, composer.layers.all);
    add_attention(composer);
    add_linear_attention(composer);
    composer.add_tensor_all_reduce("attention.all_reduce", composer.layers.all);
    composer.add_elementwise("ffn.norm", norm_bytes, composer.layers.all);
    const std::size_t dense = composer.size();
    add_dense_feed_forward(composer);
    const std::size_t experts = composer.size();
    add_expert_feed_forward(composer);
    if (model.moe && pool.runtime.moe_overlap == MoeOverlap::two_batch) {
        composer.halve(attention, composer.size());
        composer.hide_behind(attention, dense, composer.layers.moe, HidingStage::before);
        composer.hide_behind(experts, composer.dispatched(), composer.layers.moe, HidingStage::before);
        composer.hide_behind(composer.dispatched(), composer.size(), composer.layers.moe, HidingStage::after);
    }
    add_pipeline_send(composer);
    composer.add_elementwise("final_norm", norm_bytes, composer.layers.last);
    add_head(composer);
    return composer.take();
}

}  // namespace replayd::cost
