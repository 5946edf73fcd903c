// The routed experts of one MoE layer on one rank: two grouped GEMMs, the activation between them, sorting.

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>

#include "replay/cost/laws/expert_spread.hpp"
#include "replay/cost/laws/feature_list.hpp"
#include "replay/cost/laws/number_hash.hpp"
#include "replay/cost/laws/tables.hpp"
#include "replay/cost/laws/tuned_experts.hpp"

namespace replayd::cost {
namespace {

constexpr std::array<Column, 10> k_columns = {{{"moe_dtype", ColumnKind::type},
                                               {"num_tokens"},
                                               {"hidden_size"},
                                               {"inter_size"},
                                               {"topk"},
                                               {"num_experts"},
                                               {"moe_tp_size"},
                                               {"moe_ep_size"},
                                               {"distribution", ColumnKind::distribution},
                                               {"kernel_source", ColumnKind::name, true}}};
constexpr std::array<std::string_view, 1> k_latency = {"latency"};
constexpr std::size_t k_tokens_number = 1;
constexpr std::array<std::size_t, 1> k_growing = {k_tokens_number};
constexpr std::array<std::size_t, 4> k_family = {2, 3, 4, 5};

struct Moe {
    TypeTraits type;
    double tokens, hidden, top_k, experts, ranks;
    double inner;          ///< expert width on this rank
    double local_experts;
    double gates;          ///< weight matrices per expert: 3, or 2 without a gate
    bool own_rows_only;    ///< CUTLASS kernels: rows of other ranks' experts are never touched
    bool torch_flow;       ///< TensorRT-LLM's passes around them
    ExpertSpread spread;
};

/// Inner width, experts per token and experts of families whose experts have no gate (squared ReLU): NVIDIA
/// Nemotron 3 Nano, Super and Ultra (model cards; TensorRT-LLM's rows of the same families say "nongated").
struct Ungated {
    double inner, top_k, experts;
};
// Source: the model cards, see above.
constexpr std::array<Ungated, 3> k_ungated = {{{1856, 6, 128}, {2688, 22, 512}, {5120, 22, 512}}};

/// Weight matrices per expert.
double gates_of(const KernelRow& row) {
    if (row.kernel.find("nongated") != std::string::npos) return 2;
    for (const Ungated& family : k_ungated) {
        if (row.number[3] == family.inner && row.number[4] == family.top_k && row.number[5] == family.experts) return 2;
    }
    return 3;
}

Moe routed_as(const KernelRow& row, const ExpertSpread& spread) {
    const auto& n = row.number;
    const auto named = [&](std::string_view part) { return row.kernel.find(part) != std::string::npos; };
    const bool torch_flow = named("torch_flow");  // runs CUTLASS
    const bool own_rows_only = named("cutlass") || torch_flow;
    return {type_of(n[0]), n[1],          n[2],          n[4],       n[5],  n[7], n[3] / n[6],
            n[5] / n[7],   gates_of(row), own_rows_only, torch_flow, spread};
}

Moe moe(const KernelRow& row) {
    const auto& n = row.number;
    return routed_as(row, expert_spread(n[1], n[4], n[5], n[7], n[8]));
}

/// Rows that are multiplied: the kernels take the smallest block that holds the mean rows of an expert.
double multiplied_rows(const ExpertSpread& spread) {
    std::size_t block = 0;
    while (block + 1 < k_expert_blocks.size() && spread.rows / spread.active > k_expert_blocks[block]) ++block;
    return spread.padded[block];
}

/// TensorRT-LLM's last pass reads the rank's own rows, looks at every choice and writes every token, for one choice
/// too. Least squares on the public H100 rows of 512 tokens and more: a row's bytes cost 2 to 5 times what a token's
/// do, a choice 0.1 to 0.2 ns.
double finalize_bytes(const Moe& m) {
    constexpr double k_bf16_bytes = 2;
    constexpr double k_token_weight = 0.25;  // fitted
    constexpr double k_choice_bytes = 72;  // fitted: 0.13 ns at a sixth of the HBM rate
    const double rows = m.spread.rows + k_token_weight * m.tokens;
    return k_bf16_bytes * m.hidden * rows + k_choice_bytes * m.tokens * m.top_k;
}

/// Bytes of the passes between and after the products: activation and sum of a token's choices. Triton's kernels and
/// Marlin go over a row for every token and choice, those of other ranks' experts included, which the products fill
/// with zeros; CUTLASS over the rank's own rows. One choice per token needs no sum.
double pass_bytes(const Moe& m) {
    constexpr double k_bf16_bytes = 2;
    const double wide = (m.gates - 1) * k_bf16_bytes * m.inner;
    const double choices = m.own_rows_only ? m.spread.rows : m.tokens * m.top_k;
    const double zeros = (choices - m.spread.rows) * (wide + k_bf16_bytes * m.hidden);
    const double activation = choices * (wide + m.type.input_bytes * m.inner);
    if (m.torch_flow) return activation + finalize_bytes(m);
    const double sum = m.top_k > 1 ? k_bf16_bytes * m.hidden * (choices + m.tokens) : 0;
    return std::max(0.0, zeros) + activation + sum;
}

KernelWork work_of(const Hardware& hardware, const Moe& m) {
    const double flops = 2 * multiplied_rows(m.spread) * m.hidden * m.inner * m.gates;
    const double weights = m.type.bytes * m.spread.active * m.gates * m.hidden * m.inner;
    const double activations =
        m.spread.rows * ((m.type.input_bytes + 2) * m.hidden + (m.type.input_bytes + 2 * (m.gates - 1)) * m.inner);
    return {flops / peak_flops_per_us(hardware, m.type), weights + activations,
            pass_bytes(m) / hardware.hbm_bytes_per_us};
}

KernelWork work(const Hardware& hardware, const KernelRow& row) { return work_of(hardware, moe(row)); }

void features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    const Moe m = moe(row);
    const ExpertSpread& s = m.spread;
    const KernelWork w = work_of(hardware, m);
    FeatureList f(out);
    f.plain(row.number[0]);
    f.log(m.tokens);
    f.log(m.hidden);
    f.log(m.inner);
    f.log(m.top_k);
    f.log(m.experts);
    f.log(m.local_experts);
    f.log(m.ranks);
    f.plain(row.number[8]);
    f.log(law_us);
    f.log(w.compute_us);
    f.log(w.compute_us * hardware.hbm_bytes_per_us / w.hbm_bytes);
    f.log(s.rows);
    f.log(s.rows / s.active);
    f.log(s.active);
    f.log(s.active / m.local_experts);
    f.log(s.largest);
    f.log(m.tokens * m.top_k / m.experts);
    f.log(m.hidden * m.inner * m.type.bytes);
    f.log(s.active * m.hidden * m.inner * m.type.bytes);
    f.log(w.link_us);
    f.log(m.tokens / m.local_experts);
    for (std::size_t i = 0; i < k_expert_blocks.size(); ++i) {
        const double row_blocks = s.padded[i] / k_expert_blocks[i];
        f.plain(s.rows / s.padded[i]);
        f.waves(row_blocks * std::ceil(m.inner * (m.gates - 1) / 128), hardware.sms);
        f.waves(row_blocks * std::ceil(m.hidden / 128), hardware.sms);
    }
}

/// Of Triton's bf16 kernel.
double tuned(const Hardware& target, const KernelRow& row) {
    const Moe m = routed_as(row, {});
    if (row.kernel.find("triton") == std::string::npos || m.type.name != "bfloat16") return 0;
    return has_tuned_experts(target.name, m.local_experts, m.inner) ? 1 : 0;
}

/// The collector's file of tactics: type, hidden size, expert width and experts of one rank.
std::uint32_t tuning_name(const KernelRow& row) {
    const auto& n = row.number;
    NumberHash hash;
    for (const double part : {n[0], n[2], n[3] / n[6], n[5] / n[7]}) hash.mix(std::bit_cast<std::uint64_t>(part));
    return hash.narrow();
}

}  // namespace

KernelWork expert_work(const Hardware& hardware, const KernelRow& row, const ExpertSpread& spread) {
    return work_of(hardware, routed_as(row, spread));
}

KernelTable moe_table() {
    KernelTable table{"moe", k_columns, k_latency, 1000, k_family, k_growing, 0, &work, &features, k_tokens_number};
    table.tuned = &tuned;
    table.tuning_name = &tuning_name;
    return table;
}

}  // namespace replayd::cost
