#include "replay/cost/afd/afd_operators.hpp"

#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "replay/cost/composition.hpp"
#include "replay/cost/efficiency.hpp"
#include "replay/cost/grouped_gemm.hpp"

namespace replayd::afd {
namespace {

using cost::Composer;
using cost::k_fp8_bytes_with_scale;
using cost::OperatorSpec;
using cost::StageCounts;

constexpr double k_bf16_bytes = 2;
/// An expert's id and its weight, 4 bytes each, as DeepEP sends them.
constexpr double k_id_and_weight_bytes = 8;
/// Gather and reduce inside a server go through NVLink's switches and fill the link (Step-3 report, section 7.1: NVLS,
/// SM-free all-gather); a filled link carries what copies between two H100 were measured to (efficiency.hpp). Launch:
/// planning value.
constexpr double k_switched_nvlink = cost::k_nvlink_send;
constexpr Duration k_switched_fixed{5'000};

StageCounts column(std::size_t columns, std::initializer_list<std::size_t> runs) {
    StageCounts counts(columns, 0);
    for (const std::size_t run : runs) counts[run] = 1;
    return counts;
}

double real(std::int64_t value) {
    return static_cast<double>(value);
}

/// The layers' FFNs taken away, so that what is left is what an attention GPU does.
ModelSpec without_ffn(ModelSpec model) {
    model.moe.reset();
    model.ffn = 0;
    return model;
}

void add_router(Composer& composer) {
    const MoeSpec& moe = *composer.model.moe;
    const StageCounts moe_layers = column(k_attention_columns, {k_moe_layer});
    composer.add_gemm("attention.router", composer.model.hidden, moe.experts, moe_layers, cost::Field::rows,
                      cost::Field::rows, DataType::bf16);
    // Scores written and read once in fp32, the chosen ones written.
    composer.add_elementwise("attention.top_k", 8 * real(moe.experts) + k_id_and_weight_bytes * real(moe.top_k),
                             moe_layers);
}

constexpr const char* k_deep_gemm = "DeepGEMM's published H800 table; t0 + root of squares";

bool multiplies_fp8(const Composer& composer) {
    return composer.pool.weights == DataType::fp8 && composer.pool.gpu.fp8_flops > 0;
}

/// fp8 rows of experts with DeepGEMM's law; nothing for other precisions and GPUs without it.
std::optional<OperatorSpec> deep_gemm(Composer& composer, const AfdFfnSpec& ffn, const cost::ExpertLoad& load) {
    if (!multiplies_fp8(composer)) return std::nullopt;
    const ModelSpec& model = composer.model;
    const double hidden = real(model.hidden);
    const double width = real(model.moe->ffn / ffn.tensor);
    const double up = model.gated_ffn ? 2 * width : width;
    const auto us = [&](double rows) {
        const auto whole = static_cast<std::int64_t>(rows);
        cost::GroupedGemm gemm;
        gemm.rows = load.routed_rows(whole);
        gemm.blocks_of_64 = load.padded_rows(whole, 64) / 64;
        gemm.blocks_of_128 = load.padded_rows(whole, 128) / 128;
        gemm.active = load.active_experts(whole);
        gemm.k = hidden;
        gemm.n = up;
        const double first = composer.laws.grouped_gemm_us(gemm);
        gemm.k = width;
        gemm.n = hidden;
        return first + composer.laws.grouped_gemm_us(gemm);
    };
    OperatorSpec experts;
    experts.curve = cost::FieldCurve{cost::RowCurve(us), cost::Field::rows};
    experts.provenance = k_deep_gemm;
    return experts;
}

void add_routed_experts(Composer& composer, const AfdFfnSpec& ffn) {
    const ModelSpec& model = composer.model;
    const MoeSpec& moe = *model.moe;
    const cost::ExpertLoad load(1, moe.top_k, moe.experts + ffn.redundant_experts, ffn.expert);
    const double hidden = real(model.hidden);
    const double width = real(moe.ffn / ffn.tensor);
    const double up = model.gated_ffn ? 2 * width : width;
    const bool eight_bit = composer.runs_in_8_bit(composer.pool.weights);
    const double copies = real(moe.top_k) / real(ffn.expert);  // of a row on one rank, on average
    const double row_bytes = eight_bit ? k_fp8_bytes_with_scale : k_bf16_bytes;
    const StageCounts layers = column(k_ffn_columns, {k_moe_compute});

    const auto fused =
        composer.laws.experts(composer.pool.weights, moe, model.hidden, ffn.tensor, ffn.expert, false, load);
    auto spec = deep_gemm(composer, ffn, load);
    const bool grouped = spec.has_value() || !fused;
    OperatorSpec experts = spec ? std::move(*spec) : OperatorSpec{};
    if (!spec && fused) {
        experts.curve = cost::FieldCurve{fused->curve, cost::Field::rows};
        experts.provenance = fused->provenance;
    }
    experts.name = "ffn.experts";
    const double parameters = hidden * (up + width);
    experts.fixed = experts.curve ? Duration(0) : cost::k_experts_fixed;
    experts.flops.per_a = 2 * parameters;
    experts.flops_per_s = composer.peak_flops(composer.pool.weights) *
                          (eight_bit ? cost::k_experts_compute_8bit : cost::k_experts_compute_bf16);
    experts.bytes.constant = cost::element_bytes(composer.pool.weights) * parameters;
    experts.bytes.per_a = (eight_bit ? 1 : k_bf16_bytes) * (hidden + width) + k_bf16_bytes * (up + hidden);
    experts.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * cost::k_experts_memory;
    experts.experts = load;
    experts.counts = layers;

    // A fused kernel's table has scatter, activation and gather in it.
    if (grouped) composer.add_elementwise("ffn.scatter", (1 + copies) * row_bytes * hidden, layers);
    composer.add(std::move(experts));
    if (!grouped) return;
    composer.add_elementwise("ffn.activation", copies * (k_bf16_bytes * up + row_bytes * width), layers);
    composer.add_elementwise("ffn.gather", k_bf16_bytes * (copies + 1) * hidden, layers);
}

/// [rows, k] × [k, n] of rows that are quantised already where that is what the GPU multiplies.
void add_product(Composer& composer, std::string name, std::int64_t k, std::int64_t n, const StageCounts& counts) {
    if (!multiplies_fp8(composer)) {
        composer.add_gemm(std::move(name), k, n, counts);
        return;
    }
    const auto us = [&](double rows) {
        cost::GroupedGemm product;
        product.rows = rows;
        product.blocks_of_64 = std::ceil(rows / 64);
        product.blocks_of_128 = std::ceil(rows / 128);
        product.k = real(k);
        product.n = real(n);
        return composer.laws.grouped_gemm_us(product);
    };
    OperatorSpec gemm;
    gemm.name = std::move(name);
    gemm.flops.per_a = 2 * real(k) * real(n);
    gemm.flops_per_s = composer.peak_flops(DataType::fp8) * cost::k_gemm_compute_8bit;
    gemm.bytes.constant = real(k) * real(n);
    gemm.bytes.per_a = real(k) + k_bf16_bytes * real(n);
    gemm.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * cost::k_gemm_memory;
    gemm.curve = cost::FieldCurve{cost::RowCurve(us), cost::Field::rows};
    gemm.provenance = k_deep_gemm;
    gemm.counts = counts;
    composer.add(std::move(gemm));
}

/// Up (with gate), activation, down, its columns cut over `gpus`.
void add_cut_ffn(Composer& composer, const std::string& name, std::int64_t ffn, std::int64_t gpus, FfnColumn run) {
    if (ffn == 0) return;
    const std::int64_t width = ceil_div(ffn, gpus);
    const std::int64_t up = composer.model.gated_ffn ? 2 * width : width;
    const StageCounts layers = column(k_ffn_columns, {run});
    const double result_bytes = multiplies_fp8(composer) ? k_fp8_bytes_with_scale : k_bf16_bytes;
    add_product(composer, name + ".up", composer.model.hidden, up, layers);
    composer.add_elementwise(name + ".activation", k_bf16_bytes * real(up) + result_bytes * real(width), layers);
    add_product(composer, name + ".down", width, composer.model.hidden, layers);
}

/// What (gpus − 1) / gpus of the rows take over the links inside a server.
void add_exchange(Composer& composer, std::string name, double row_bytes, double passes, StageCounts layers) {
    const std::int64_t gpus = composer.pool.afd->ffn.gpus() / composer.pool.afd->ffn_servers;
    if (gpus == 1) return;
    const GpuSpec& gpu = composer.pool.gpu;
    const bool switched = gpu.nvlink_bytes_per_s > 0;
    OperatorSpec exchange;
    exchange.name = std::move(name);
    exchange.fixed = switched ? k_switched_fixed : cost::k_network_collective_fixed;
    exchange.bytes.per_a = passes * real(gpus - 1) / real(gpus) * row_bytes;
    exchange.bytes_per_s =
        switched ? gpu.nvlink_bytes_per_s * k_switched_nvlink : gpu.pcie_bytes_per_s * cost::k_pcie_collective;
    exchange.counts = std::move(layers);
    exchange.provenance = switched ? "analytic; NVLink filled by switched collectives (arXiv 2507.19427)" : "analytic";
    composer.add(std::move(exchange));
}

}  // namespace

double forward_row_bytes(const ModelSpec& model, const AfdSpec& afd) {
    const double value_bytes = afd.wire == DataType::fp8 ? k_fp8_bytes_with_scale : k_bf16_bytes;
    return value_bytes * real(model.hidden) + k_id_and_weight_bytes * real(model.moe->top_k);
}

double return_row_bytes(const ModelSpec& model) {
    return k_bf16_bytes * real(model.hidden);
}

std::vector<OperatorSpec> attention_operators(const ModelSpec& model, const PoolSpec& pool) {
    const ModelSpec attention_only = without_ffn(model);
    std::vector<OperatorSpec> operators = cost::compose(attention_only, pool);
    for (OperatorSpec& op : operators) {
        const bool in_layers = op.counts.front() == model.layers;
        op.counts = in_layers ? column(k_attention_columns, {k_dense_layer, k_moe_layer})
                              : column(k_attention_columns, {k_head});
    }
    Composer more(model, pool);
    const StageCounts layers = column(k_attention_columns, {k_dense_layer, k_moe_layer});
    add_router(more);
    if (pool.afd->wire == DataType::fp8) {
        more.add_elementwise("attention.quantize", (k_bf16_bytes + k_fp8_bytes_with_scale) * real(model.hidden),
                             layers);
    }
    if (pool.afd->ffn_servers > 1) {
        more.add_elementwise("attention.sum_partials", real(pool.afd->ffn_servers + 1) * return_row_bytes(model),
                             layers);
    }
    for (OperatorSpec& op : more.take()) operators.push_back(std::move(op));
    return operators;
}

std::vector<OperatorSpec> ffn_operators(const ModelSpec& model, const PoolSpec& pool) {
    const AfdSpec& afd = *pool.afd;
    PoolSpec ffn_pool = pool;
    ffn_pool.gpu = afd.ffn.gpu;
    ffn_pool.parallel = {};
    Composer composer(model, ffn_pool);
    const std::int64_t gpus = afd.ffn.gpus();
    const double wire_row = forward_row_bytes(model, afd);
    if (!afd.ffn_input_replicated) {
        add_exchange(composer, "ffn.all_gather", wire_row, 1, column(k_ffn_columns, {k_dense_gather, k_moe_gather}));
    }
    if (multiplies_fp8(composer) && afd.wire != DataType::fp8) {
        composer.add_elementwise("ffn.quantize", (k_bf16_bytes + k_fp8_bytes_with_scale) * real(model.hidden),
                                 column(k_ffn_columns, {k_dense_compute, k_moe_compute}));
    }
    add_cut_ffn(composer, "ffn.dense", model.ffn, gpus, k_dense_compute);
    add_cut_ffn(composer, "ffn.shared", model.moe->shared_ffn, gpus, k_moe_compute);
    add_routed_experts(composer, afd.ffn);
    // Where every GPU got all rows, each also returns all of them: reduce and gather, not reduce alone.
    add_exchange(composer, afd.ffn_input_replicated ? "ffn.all_reduce" : "ffn.reduce_scatter", return_row_bytes(model),
                 afd.ffn_input_replicated ? 2 : 1, column(k_ffn_columns, {k_dense_reduce, k_moe_reduce}));
    return composer.take();
}

}  // namespace replayd::afd
