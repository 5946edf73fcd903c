#include "replay/cost/moe_operators.hpp"

#include <utility>

#include "replay/base/assert.hpp"
#include "replay/cost/efficiency.hpp"
#include "replay/cost/grouped_gemm.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;

double real(std::int64_t value) { return static_cast<double>(value); }

/// The sizes that all kernels of the routed experts share.
struct Experts {
    explicit Experts(const Composer& composer, const MoeGroup& group)
        : hidden(real(composer.model.hidden)),
          width(real(ceil_div(composer.model.moe->ffn, group.slices))),
          up(composer.model.gated_ffn ? 2 * width : width),
          weight_bytes(element_bytes(composer.pool.weights)),
          // int4 weights are multiplied with fp8 activations where a grouped kernel takes them (W4A8).
          eight_bit(composer.pool.weights != DataType::bf16 && composer.pool.gpu.fp8_flops > 0),
          input_bytes(eight_bit ? 1 : k_bf16_bytes),
          row_bytes(eight_bit ? k_fp8_bytes_with_scale : k_bf16_bytes) {}

    double hidden, width, up;
    double weight_bytes;
    bool eight_bit;
    double input_bytes;  ///< of an element that is multiplied
    double row_bytes;    ///< of an element of a stored row, scales included
};

/// FLOPs and bytes of the products, for people; the curve has their time.
OperatorSpec products(const Composer& composer, const MoeGroup& group, const Experts& sizes) {
    const double parameters = sizes.hidden * (sizes.up + sizes.width);
    OperatorSpec experts;
    experts.name = "moe.experts";
    experts.flops.per_a = 2 * parameters;
    experts.flops_per_s = composer.peak_flops(composer.pool.weights) *
                          (sizes.eight_bit ? k_experts_compute_8bit : k_experts_compute_bf16);
    experts.bytes.constant = sizes.weight_bytes * parameters;
    experts.bytes.per_a = sizes.input_bytes * (sizes.hidden + sizes.width) + k_bf16_bytes * (sizes.up + sizes.hidden);
    experts.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * k_experts_memory;
    experts.experts = group.load;
    experts.counts = composer.layers.moe;
    return experts;
}

/// The fused kernels, which scatter, activate and gather themselves.
void add_fused(Composer& composer, const MoeGroup& group, const Experts& sizes) {
    OperatorSpec experts = products(composer, group, sizes);
    const std::string strategy = "; strategy " + std::string(group.strategy.name);
    if (auto priced = composer.laws.experts(composer.pool.weights, *composer.model.moe, composer.model.hidden,
                                            group.slices, group.ranks, group.exchanges(), group.load)) {
        experts.curve = FieldCurve{priced->curve, Field::rows};
        experts.provenance = std::move(priced->provenance) + strategy;
        composer.add(std::move(experts));
        return;
    }
    experts.fixed = k_experts_fixed;
    experts.provenance += strategy;
    composer.add(std::move(experts));
    // Scatter to experts' rows, activation between the products, weighted gather back.
    OperatorSpec permute;
    permute.name = "moe.permute";
    permute.bytes.per_a = k_bf16_bytes * (3 * sizes.hidden + sizes.up + sizes.width);
    permute.bytes_per_s = composer.pool.gpu.hbm_bytes_per_s * k_elementwise_memory;
    permute.experts = group.load;
    permute.counts = composer.layers.moe;
    composer.add(std::move(permute));
}

/// DeepGEMM and its like: separate kernels around two grouped products.
class Grouped {
public:
    Grouped(Composer& composer, const MoeGroup& group, const Experts& sizes)
        : composer_(composer), group_(group), sizes_(sizes) {}

    void add() {
        const bool dispatched_in_place = group_.strategy.router == MoeRouter::deepep_low_latency;
        if (!dispatched_in_place) add_scatter();
        add_products();
        add_activation();
        if (!dispatched_in_place) add_gather();
    }

private:
    [[nodiscard]] bool contiguous(std::int64_t rows) const {
        switch (group_.strategy.layout) {
            case MoeLayoutRule::masked: return false;
            case MoeLayoutRule::hybrid:
                return group_.load.received_tokens(rows) > real(composer_.pool.runtime.masked_tokens_max);
            case MoeLayoutRule::contiguous:
            case MoeLayoutRule::sorted: break;
        }
        return true;
    }

    /// Rows that the products compute: in the contiguous layout those of every expert rounded up to 128.
    [[nodiscard]] double stored_rows(std::int64_t rows) const {
        return contiguous(rows) ? group_.load.padded_rows(rows, 128) : group_.load.routed_rows(rows);
    }

    [[nodiscard]] double products_us(std::int64_t rows) const {
        GroupedGemm gemm;
        gemm.rows = stored_rows(rows);
        gemm.blocks_of_128 = group_.load.padded_rows(rows, 128) / 128;
        gemm.blocks_of_64 = contiguous(rows) ? 0 : group_.load.padded_rows(rows, 64) / 64;
        gemm.active = group_.load.active_experts(rows);
        gemm.weight_bytes = sizes_.weight_bytes;
        gemm.input_bytes = sizes_.input_bytes;
        gemm.k = sizes_.hidden;
        gemm.n = sizes_.up;
        const double first = composer_.laws.grouped_gemm_us(gemm);
        gemm.k = sizes_.width;
        gemm.n = sizes_.hidden;
        return first + composer_.laws.grouped_gemm_us(gemm);
    }

    void add_products() {
        OperatorSpec experts = products(composer_, group_, sizes_);
        experts.curve = FieldCurve{
            RowCurve([&](double rows) { return products_us(static_cast<std::int64_t>(rows)); }), Field::rows};
        experts.provenance = "DeepGEMM's published H800 table";
        if (!sizes_.eight_bit) experts.provenance += "; bf16 share measured h100_sxm/replayd";
        if (group_.strategy.executor == MoeExecutor::cutlass) experts.provenance += " for CUTLASS";
        experts.provenance += "; strategy " + std::string(group_.strategy.name);
        composer_.add(std::move(experts));
    }

    /// A kernel that moves `bytes_of(rows)` of memory.
    template <class Bytes>
    void add_moving(std::string name, const Bytes& bytes_of, double bytes_per_routed) {
        OperatorSpec kernel;
        kernel.name = std::move(name);
        kernel.bytes.per_a = bytes_per_routed;
        kernel.bytes_per_s = composer_.pool.gpu.hbm_bytes_per_s * k_elementwise_memory;
        kernel.experts = group_.load;
        kernel.counts = composer_.layers.moe;
        kernel.curve = FieldCurve{
            RowCurve([&](double rows) { return composer_.laws.moved_us(bytes_of(static_cast<std::int64_t>(rows))); }),
            Field::rows};
        kernel.provenance = composer_.laws.own_constants();
        composer_.add(std::move(kernel));
    }

    void add_scatter() {
        const double row = sizes_.row_bytes * sizes_.hidden;
        add_moving(
            "moe.scatter",
            [&](std::int64_t rows) {
                return row * (group_.load.received_tokens(rows) + group_.load.routed_rows(rows));
            },
            2 * row);
    }

    /// Contiguous fp8 takes two kernels: the result in bf16, then its quantisation (deepgemm_hybrid_executor.py).
    void add_activation() {
        const double fused = k_bf16_bytes * sizes_.up + sizes_.row_bytes * sizes_.width;
        const double apart = k_bf16_bytes * (sizes_.up + 2 * sizes_.width) + sizes_.row_bytes * sizes_.width;
        add_moving("moe.activation",
                   [&](std::int64_t rows) {
                       const bool two = contiguous(rows) && sizes_.eight_bit;
                       return stored_rows(rows) * (two ? apart : fused);
                   },
                   fused);
    }

    void add_gather() {
        const double row = k_bf16_bytes * sizes_.hidden;
        add_moving(
            "moe.gather",
            [&](std::int64_t rows) {
                return row * (group_.load.routed_rows(rows) + group_.load.received_tokens(rows));
            },
            2 * row);
    }

    Composer& composer_;
    const MoeGroup& group_;
    const Experts& sizes_;
};

}  // namespace

namespace {

/// Whole nodes where the group fills them.
std::int64_t nodes_of(const PoolSpec& pool) {
    return ceil_div(pool.parallel.tensor * pool.parallel.data, pool.gpu.gpus_per_node);
}

}  // namespace

ExpertGroup expert_group(const PoolSpec& pool) {
    const ParallelSpec& parallel = pool.parallel;
    // A plan by nodes needs ranks that divide over them.
    const std::int64_t nodes = nodes_of(pool);
    const std::int64_t plan_nodes = parallel.expert % nodes == 0 ? nodes : 1;
    return {parallel.data, parallel.expert, parallel.redundant_experts, plan_nodes};
}

MoeGroup moe_group(const ModelSpec& model, const PoolSpec& pool) {
    const ParallelSpec& parallel = pool.parallel;
    const std::int64_t gpus = parallel.tensor * parallel.data;
    auto strategy = choose_moe_strategy(moe_strategy_query(model, pool));
    REPLAYD_ASSERT(strategy.has_value());
    return {gpus,
            parallel.expert,
            gpus / parallel.expert,
            nodes_of(pool),
            ExpertLoad(*model.moe, pool.moe_routing, expert_group(pool)),
            std::move(*strategy)};
}

void add_routed_experts(Composer& composer, const MoeGroup& group) {
    const Experts sizes(composer, group);
    const bool fused =
        group.strategy.executor == MoeExecutor::fused || group.strategy.executor == MoeExecutor::batched_triton;
    if (fused) return add_fused(composer, group, sizes);
    Grouped(composer, group, sizes).add();
}

}  // namespace replayd::cost
