// Tokens on their way to experts and back: DeepEP in its two modes, or all-gather and reduce-scatter.

#include <algorithm>
#include <utility>

#include "replay/cost/efficiency.hpp"
#include "replay/cost/laws/network_law.hpp"
#include "replay/cost/moe_operators.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;
/// DeepEP low-latency: the header of a message out; normal: source, ids and weights of a copy (docs/legacy.md,
/// config.hpp).
constexpr double k_message_header_bytes = 16;
constexpr double k_copy_meta_bytes = 8;
constexpr double k_copy_bytes_per_choice = 12;
constexpr double k_us = 1e6;
constexpr double k_us_per_ns = 1e-3;

double real(std::int64_t value) { return static_cast<double>(value); }

/// One direction of an exchange.
struct Trip {
    std::string name;
    bool out = true;    ///< to the experts
    double bytes = 0;   ///< of one copy of a token
    double fixed_us = 0;
};

/// Copies of one token of a GPU that pass each kind of link; the busiest rank receives `imbalance` times the mean.
struct Copies {
    double in_node = 0;
    double off_node = 0;
};

class Exchange {
public:
    Exchange(Composer& composer, const MoeGroup& group)
        : composer_(composer), group_(group), low_latency_(group.strategy.router == MoeRouter::deepep_low_latency) {}

    void add(bool out) {
        const Trip trip = trip_of(out);
        const Copies copies = copies_per_token();
        const GpuSpec& gpu = composer_.pool.gpu;
        OperatorSpec op;
        op.name = trip.name;
        const double in_node_us = copies.in_node * trip.bytes / in_node_rate() * k_us;
        const double off_node_us = copies.off_node > 0 ? copies.off_node * trip.bytes / off_node_rate() * k_us : 0;
        const bool network_bound = off_node_us > in_node_us;
        // The ranks of a tensor group hold the same tokens, so each sends its share of them.
        const double own = 1 / real(composer_.pool.parallel.tensor);
        const double per_row_us = std::max(in_node_us, off_node_us) * own;
        op.bytes.per_a = (network_bound ? copies.off_node : copies.in_node) * trip.bytes * own;
        op.bytes_per_s = network_bound ? off_node_rate() : in_node_rate();
        op.counts = composer_.layers.moe;
        const bool measured = group_.nodes == 1 && gpu.nvlink_bytes_per_s > 0;
        if (measured) {
            set_law(op, trip, per_row_us);
        } else {
            op.curve =
                FieldCurve{RowCurve([&](double rows) { return trip.fixed_us + rows * per_row_us; }), Field::rows};
            op.provenance =
                low_latency_ ? "DeepEP's published low-latency table (H800)" : "DeepEP's published normal table (H800)";
        }
        op.provenance += "; strategy " + std::string(group_.strategy.name);
        op.travel =
            Travel{out, low_latency_ ? 0 : composer_.pool.runtime.deepep_sms, std::max<std::int64_t>(1, gpu.sm_count)};
        composer_.add(std::move(op));
    }

private:
    [[nodiscard]] bool fp8_out() const { return composer_.pool.weights == DataType::fp8; }

    [[nodiscard]] double copy_bytes(bool out, bool fp8) const {
        const double hidden = real(composer_.model.hidden);
        if (!out) return k_bf16_bytes * hidden;
        const double payload = (fp8 ? k_fp8_bytes_with_scale : k_bf16_bytes) * hidden;
        if (low_latency_) return payload + k_message_header_bytes;
        return payload + k_copy_meta_bytes + k_copy_bytes_per_choice * real(composer_.model.moe->top_k);
    }

    [[nodiscard]] Trip trip_of(bool out) const {
        const Duration fixed = low_latency_
                                   ? k_all_to_all_low_latency_fixed
                                   : (out ? k_all_to_all_normal_dispatch_fixed : k_all_to_all_normal_combine_fixed);
        return {out ? "moe.dispatch" : "moe.combine", out, copy_bytes(out, fp8_out()), real(fixed.value) * k_us_per_ns};
    }

    /// Low-latency: one copy per chosen expert. Normal: one per distinct rank, and over the network one per distinct
    /// node.
    [[nodiscard]] Copies copies_per_token() const {
        const double nodes = real(group_.nodes);
        const double skew = group_.load.imbalance();
        if (!low_latency_) {
            return {skew * group_.load.distinct_groups(group_.ranks),
                    skew * group_.load.distinct_groups(group_.nodes) * (1 - 1 / nodes)};
        }
        const double sent = skew * real(composer_.model.moe->top_k);
        return {sent * (1 / nodes - 1 / real(group_.gpus)), sent * (1 - 1 / nodes)};
    }

    [[nodiscard]] double in_node_rate() const {
        const GpuSpec& gpu = composer_.pool.gpu;
        if (gpu.nvlink_bytes_per_s <= 0) return gpu.pcie_bytes_per_s * k_pcie_collective;
        return gpu.nvlink_bytes_per_s * (low_latency_ ? k_all_to_all_low_latency_nvlink : k_all_to_all_normal_nvlink);
    }

    [[nodiscard]] double off_node_rate() const {
        return composer_.pool.gpu.nic_bytes_per_s *
               (low_latency_ ? k_all_to_all_low_latency_nic : k_all_to_all_normal_nic);
    }

    /// Inside a node the fitted law of DeepEP's kernels says what both ways take with fp8 out; the published constants
    /// say what part of it is this way, and what bf16 adds.
    void set_law(OperatorSpec& op, const Trip& trip, double per_row_us) {
        const double per_byte_us = per_row_us / trip.bytes;
        const auto way_us = [&](double rows, double fixed_us, double bytes) {
            return fixed_us + rows * per_byte_us * bytes;
        };
        const Trip there = trip_of(true);
        const Trip back = trip_of(false);
        const double law_out_bytes = copy_bytes(true, true);
        const double own = 1 / real(composer_.pool.parallel.tensor);
        PricedRows law = composer_.laws.deepep(low_latency_, *composer_.model.moe, composer_.model.hidden,
                                               composer_.pool.runtime.deepep_sms);
        const double skew = group_.load.imbalance();
        const auto us = [&](double rows) {
            const double both = way_us(rows, there.fixed_us, law_out_bytes) + way_us(rows, back.fixed_us, back.bytes);
            return law.us(std::max(1.0, rows * own * skew)) * way_us(rows, trip.fixed_us, trip.bytes) / both;
        };
        op.curve = FieldCurve{RowCurve(us), Field::rows};
        op.provenance = std::move(law.provenance);
    }

    Composer& composer_;
    const MoeGroup& group_;
    bool low_latency_;
};

/// A collective beyond one node, or over more GPUs than the tables know.
void set_network_law(const GpuSpec& gpu, std::string_view kernel, std::int64_t gpus, double elements,
                     OperatorSpec& op) {
    const GpuLinks links = links_of(gpu);
    const NcclOp kind = nccl_op(kernel.substr(0, kernel.find('/'))).value();
    const auto price = [&](double rows) {
        return network_price(links, {kind, real(gpus), rows * elements * k_bf16_bytes}).us;
    };
    op.curve = FieldCurve{RowCurve(price), Field::rows};
    op.provenance = "NCCL's tuning model";
}

/// All-gather (or its mirror image, reduce-scatter) of the bf16 vectors of every data rank; `entry` before it.
void add_gather(Composer& composer, std::string name, std::string_view kernel, std::int64_t gpus, double tokens_per_row,
                Duration entry) {
    const double elements = tokens_per_row * real(composer.model.hidden);
    OperatorSpec gather;
    gather.name = std::move(name);
    const Link link = composer.collective_link(gpus);
    gather.bytes.per_a = real(gpus - 1) / real(gpus) * k_bf16_bytes * elements;
    gather.bytes_per_s = link.bytes_per_s;
    gather.counts = composer.layers.moe;
    if (auto priced = composer.laws.collective(kernel, gpus, elements);
        priced && gpus <= composer.pool.gpu.gpus_per_node) {
        gather.curve = FieldCurve{priced->curve, Field::rows};
        gather.provenance = std::move(priced->provenance);
        gather.fixed = entry;
        if (entry > Duration(0)) gather.provenance += "; entry of vLLM";
    } else {
        set_network_law(composer.pool.gpu, kernel, gpus, elements, gather);
    }
    composer.add(std::move(gather));
}


}  // namespace

void add_dispatch(Composer& composer, const MoeGroup& group) {
    // The low-latency kernel quantises what it sends itself.
    if (group.strategy.router == MoeRouter::deepep_normal && composer.pool.weights == DataType::fp8) {
        const double own = 1 / real(composer.pool.parallel.tensor);
        composer.add_elementwise("moe.quantize",
                                 own * real(composer.model.hidden) * (k_bf16_bytes + k_fp8_bytes_with_scale),
                                 composer.layers.moe);
    }
    if (group.exchanges()) return Exchange(composer, group).add(true);
    if (group.strategy.router != MoeRouter::gathered) return;
    add_gather(composer, "moe.all_gather", "all_gather/NCCL", group.gpus, real(composer.pool.parallel.data),
               exchange_entry(composer.pool.gpu));
}

void add_combine(Composer& composer, const MoeGroup& group) {
    const ParallelSpec& parallel = composer.pool.parallel;
    if (group.exchanges()) {
        Exchange(composer, group).add(false);
        if (parallel.tensor > 1) {
            add_gather(composer, "moe.tensor_all_gather", "all_gather/NCCL", parallel.tensor, 1, Duration(0));
        }
        return;
    }
    if (group.strategy.router != MoeRouter::gathered) {
        return composer.add_tensor_all_reduce("moe.all_reduce", composer.layers.moe);
    }
    add_gather(composer, "moe.reduce_scatter", "reduce_scatter/NCCL", group.gpus, real(parallel.data),
               exchange_entry(composer.pool.gpu));
}

}  // namespace replayd::cost
