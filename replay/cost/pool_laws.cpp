#include "replay/cost/pool_laws.hpp"

#include <algorithm>

#include "replay/base/assert.hpp"
#include "replay/cost/efficiency.hpp"
#include "replay/cost/laws/tables.hpp"
#include "replay/cost/pool_laws_shared.hpp"

namespace replayd::cost {
namespace {

/// vLLM's fp8 tables are not sound: block-scaled products take 60 to 90 µs at any size and fp8 experts longer than bf16
/// ones, so fp8 is priced as SGLang's DeepGEMM and Triton kernels, which are the published systems' ones.
constexpr std::string_view k_fp8_backend = "sglang";
/// Our own tables go before the public ones where they are of the GPU's architecture: weights were cold in them,
/// as they are in a step; the public ones repeat a product on the same weights, so that small ones stay in L2.
constexpr std::string_view k_own_backend = "replayd";
/// vLLM's all-reduce inside a captured CUDA graph.
constexpr std::string_view k_all_reduce_kernel = "vLLM_custom_graph";
/// The public tables of collectives inside a node end here.
constexpr std::int64_t k_node_gpus_max = 8;

}  // namespace

PoolLaws::PoolLaws(const ModelSpec& model, const PoolSpec& pool)
    : hardware_(hardware_of(pool.gpu)),
      has_fp8_(pool.gpu.fp8_flops > 0),
      has_block_scales_(model.weights == DataType::fp8) {}

const ChosenLaw& PoolLaws::law(std::string_view table, std::string_view backend) {
    std::string key = std::string(backend) + "/" + std::string(table);
    if (const auto found = laws_.find(key); found != laws_.end()) return found->second;
    auto chosen = choose_law(*find_kernel_table(table), hardware_, backend);
    REPLAYD_ASSERT(chosen.has_value());  // the shipped laws are whole, as a test makes sure
    return laws_.emplace(std::move(key), std::move(*chosen)).first->second;
}

std::string_view PoolLaws::bf16_gemm_backend() const {
    return hardware_.architecture == k_own_architecture ? k_own_backend : k_backend;
}

std::optional<PricedCurve> PoolLaws::gemm(DataType type, std::int64_t k, std::int64_t n) {
    if (type != DataType::bf16 && !(type == DataType::fp8 && has_fp8_)) return std::nullopt;
    const bool fp8 = type == DataType::fp8;
    const ChosenLaw& gemm = law("gemm", fp8 ? k_fp8_backend : bf16_gemm_backend());
    const std::string_view fp8_name = has_block_scales_ ? "fp8_block" : "fp8";
    KernelRow row;
    row.number = {type_number(fp8 ? fp8_name : "bfloat16"), 1, static_cast<double>(n),
                  static_cast<double>(k)};
    const auto us = [&](double rows) {
        row.number[1] = rows;
        return gemm.sustained(row);
    };
    return PricedCurve{RowCurve(us), provenance_of(gemm)};
}

PricedCurve PoolLaws::elementwise(double bytes_per_row) const {
    return {RowCurve([&](double rows) { return moved_us(rows * bytes_per_row); }), own_constants()};
}

double PoolLaws::moved_us(double bytes) const {
    const double of_l2 = bytes / hardware_.l2_bytes;
    const double from_hbm = std::clamp(
        (of_l2 - k_elementwise_l2_whole) / (k_elementwise_l2_none - k_elementwise_l2_whole), 0.0, 1.0);
    const double hbm = k_elementwise_memory * hardware_.hbm_share * hardware_.hbm_bytes_per_us;
    return static_cast<double>(k_elementwise_fixed.value) / k_ns_per_us +
           bytes * ((1 - from_hbm) / hardware_.l2_bytes_per_us + from_hbm / hbm);
}

double PoolLaws::grouped_gemm_us(const GroupedGemm& gemm) const {
    const double peak = gemm.input_bytes == 1 ? hardware_.fp8_flops_per_us : hardware_.bf16_flops_per_us;
    return sustained_us(hardware_, cost::grouped_gemm_us(hardware_, gemm), 2 * gemm.rows * gemm.k * gemm.n / peak);
}

std::optional<PricedCurve> PoolLaws::collective(std::string_view kernel, std::int64_t gpus, double elements_per_row) {
    if (gpus < 2 || gpus > k_node_gpus_max) return std::nullopt;
    const ChosenLaw& nccl = law("nccl", "nccl");
    KernelRow row;
    row.kernel = kernel;
    const auto us = [&](double rows) {
        row.number = {type_number("half"), static_cast<double>(gpus), rows * elements_per_row};
        return nccl.price(row).us;
    };
    return PricedCurve{RowCurve(us), provenance_of(nccl)};
}

PricedRows PoolLaws::deepep(bool low_latency, const MoeSpec& moe, std::int64_t hidden, std::int64_t sms) {
    const ChosenLaw& exchange = law(low_latency ? "wideep_deepep_ll" : "wideep_deepep_normal", "sglang");
    const auto us = [&exchange, low_latency, &moe, hidden, sms](double tokens) {
        KernelRow row;
        row.kernel = "deepep";
        row.number = {1, static_cast<double>(hidden), tokens, static_cast<double>(moe.top_k),
                      static_cast<double>(moe.experts)};
        if (!low_latency) row.number[5] = static_cast<double>(sms);
        return exchange.price(row).us;
    };
    return {us, provenance_of(exchange)};
}

std::string PoolLaws::own_constants() const {
    const bool measured = hardware_.name == "h100_sxm" || hardware_.name == "h200_sxm";
    const std::string own(measured ? hardware_.name : "h100_sxm");
    return "measured " + own + "/replayd" + (measured ? "" : " scaled to " + std::string(hardware_.name));
}

PricedCurve PoolLaws::all_reduce(std::int64_t gpus, std::int64_t hidden) {
    const ChosenLaw& reduce = law("custom_allreduce", k_backend);
    KernelRow row;
    row.kernel = k_all_reduce_kernel;
    const auto us = [&](double rows) {
        row.number = {type_number("bfloat16"), static_cast<double>(gpus), rows * static_cast<double>(hidden)};
        return reduce.sustained(row);
    };
    return {RowCurve(us), provenance_of(reduce)};
}

PricedCurve PoolLaws::absorbed_products(std::int64_t heads) {
    const ChosenLaw& products = law("mla_bmm", k_backend);
    KernelRow row;
    const auto us = [&](double sequences) {
        double sum = 0;
        for (const char* kernel : {"mla_gen_pre/vllm_torch_bmm", "mla_gen_post/vllm_torch_bmm"}) {
            row.kernel = kernel;
            row.number = {type_number("bfloat16"), sequences, static_cast<double>(heads)};
            sum += products.sustained(row);
        }
        return sum;
    };
    return {RowCurve(us), provenance_of(products)};
}

std::optional<PricedCurve> PoolLaws::experts(DataType type, const MoeSpec& moe, std::int64_t hidden,
                                             std::int64_t slices, std::int64_t ranks, bool exchanged,
                                             const ExpertLoad& load) {
    std::string_view name = "bfloat16";
    if (type == DataType::int4) name = "int4_wo";
    if (type == DataType::int8 || (type == DataType::fp8 && !has_fp8_)) return std::nullopt;
    if (type == DataType::fp8) name = "fp8_block";
    const ChosenLaw& experts = law("moe", type == DataType::fp8 ? k_fp8_backend : k_backend);
    const double top_k = static_cast<double>(moe.top_k);
    const double groups = static_cast<double>(ranks);
    const double local = static_cast<double>(moe.experts) / groups;
    KernelRow row;
    const auto us = [&](double rows) {
        const auto whole = static_cast<std::int64_t>(rows);
        // So many evenly routed tokens give every rank what the slowest one gets. The tables' even rows fill every
        // block that they open and touch as many experts as they can; routing by chance opens half a block more per
        // expert and leaves experts out, whose weights are not read: the work is that of the load.
        const double routed = load.routed_rows(whole);
        const double tokens = exchanged ? routed : routed * groups / top_k;
        row.number = {type_number(name),
                      std::max(1.0, tokens),
                      static_cast<double>(hidden),
                      static_cast<double>(moe.ffn),
                      exchanged ? 1 : top_k,
                      exchanged ? local : static_cast<double>(moe.experts),
                      static_cast<double>(slices),
                      exchanged ? 1 : groups,
                      0};
        return experts.sustained(row, expert_work(hardware_, row, load.spread_over_experts(whole)));
    };
    return PricedCurve{RowCurve(us), provenance_of(experts)};
}

}  // namespace replayd::cost
