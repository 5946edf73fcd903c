// Gated delta net: short convolution and state recurrence, prefill and decode, one kernel a row.

#include "replay/cost/laws/feature_list.hpp"
#include "replay/cost/laws/tables.hpp"

namespace replayd::cost {
namespace {

constexpr std::array<std::string_view, 2> k_phases = {"context", "generation"};
constexpr std::array<Column, 10> k_columns = {{{"batch_size"},
                                               {"seq_len"},
                                               {"d_model"},
                                               {"d_conv"},
                                               {"num_k_heads"},
                                               {"head_k_dim"},
                                               {"num_v_heads"},
                                               {"head_v_dim"},
                                               {"phase", ColumnKind::name, false, k_phases},
                                               {"kernel_source", ColumnKind::name}}};
constexpr std::array<std::string_view, 1> k_latency = {"latency"};
constexpr std::array<std::size_t, 3> k_shape = {2, 4, 6};
constexpr std::array<std::size_t, 2> k_growing = {0, 1};
constexpr double k_chunk = 64;  // tokens per chunk of the chunked rule, the source of flash-linear-attention says

struct DeltaNet {
    double batch, length, width, taps, k_heads, k_dim, v_heads, v_dim;
    bool convolution, prefill;
    double channels;  ///< of the convolution: queries, keys and values
};

DeltaNet delta_net(const KernelRow& row) {
    const auto& n = row.number;
    return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7],
            row.kernel.find("conv1d") != std::string::npos, row.kernel.starts_with("context"),
            2 * n[4] * n[5] + n[6] * n[7]};
}

KernelWork work(const Hardware& hardware, const KernelRow& row) {
    const DeltaNet d = delta_net(row);
    const double tokens = d.batch * d.length;
    if (d.convolution) return {0, 2 * tokens * d.channels * (d.prefill ? 2.0 : 2 + d.taps), 0};
    const double state = 4 * d.v_heads * d.k_dim * d.v_dim;
    const double flow = 2 * tokens * (d.channels + d.v_heads * d.v_dim);
    if (!d.prefill) return {0, flow + 2 * d.batch * state, 0};
    const double flops = tokens * d.v_heads * (6 * d.k_dim * d.v_dim + 4 * k_chunk * (d.k_dim + d.v_dim));
    const double chunks = d.batch * std::ceil(d.length / k_chunk);
    return {flops / hardware.bf16_flops_per_us, flow + chunks * state, 0};
}

void features(const Hardware& hardware, const KernelRow& row, double law_us, std::vector<float>& out) {
    const DeltaNet d = delta_net(row);
    const KernelWork w = work(hardware, row);
    FeatureList f(out);
    f.log(d.batch);
    f.log(d.length);
    f.log(d.batch * d.length);
    f.log(d.k_heads);
    f.log(d.v_heads);
    f.log(d.channels);
    f.log(law_us);
    f.log(w.hbm_bytes);
    f.waves(d.batch * d.v_heads, hardware.sms);
    f.log(d.batch * d.v_heads * std::ceil(d.length / k_chunk));
}

}  // namespace

KernelTable gdn_table() { return {"gdn", k_columns, k_latency, 1000, k_shape, k_growing, 0, &work, &features}; }

}  // namespace replayd::cost
