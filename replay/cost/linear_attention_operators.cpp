// Gated delta net layers: projections, and the kernels that carry a fixed state per sequence.

#include <cmath>
#include <utility>

#include "replay/cost/composition.hpp"
#include "replay/cost/efficiency.hpp"

namespace replayd::cost {
namespace {

constexpr double k_bf16_bytes = 2;
constexpr double k_fp32_bytes = 4;
constexpr double k_ns = 1e9;  // per second

}  // namespace

void add_linear_attention(Composer& composer) {
    if (!composer.model.linear_attention) return;
    const LinearAttentionSpec& linear = *composer.model.linear_attention;
    const std::int64_t tensor = composer.pool.parallel.tensor;
    const std::int64_t k_width = linear.k_heads / tensor * linear.k_head_dim;
    const std::int64_t v_heads = linear.v_heads / tensor;
    const std::int64_t v_width = v_heads * linear.v_head_dim;
    const StageCounts& counts = composer.layers.linear;
    const double heads = static_cast<double>(v_heads);
    const double dk = static_cast<double>(linear.k_head_dim);
    const double dv = static_cast<double>(linear.v_head_dim);
    const double mixed = static_cast<double>(2 * k_width + v_width);  // channels of q, k and v
    // The recurrent state is fp32 and is read and written once per sequence and step; so is the convolution's.
    const double state_bytes =
        2 * k_fp32_bytes * heads * dk * dv + 2 * k_bf16_bytes * mixed * static_cast<double>(linear.conv_kernel - 1);
    // Convolution (read, write), then q, k, v read and the output written.
    const double token_bytes = k_bf16_bytes * (3 * mixed + static_cast<double>(v_width));
    const double memory = composer.pool.gpu.hbm_bytes_per_s * k_delta_net_memory;

    // q, k, v, the output gate z, and the two scalars per head (decay and write strength).
    composer.add_gemm("linear.in", composer.model.hidden, 2 * k_width + 2 * v_width + 2 * v_heads, counts);
    OperatorSpec prefill;
    prefill.name = "linear.prefill";
    prefill.gate = Field::prefill_tokens;
    prefill.fixed = k_delta_net_prefill_fixed;
    // Per token and head: state update and read-out (4 dk dv), and the products inside a chunk of C tokens:
    // q·k and k·k (4 C dk), their products with values (4 C dv).
    prefill.flops.per_a = heads * (4 * dk * dv + 4 * k_delta_net_chunk * (dk + dv));
    prefill.flops.a = Field::prefill_tokens;
    prefill.flops_per_s = composer.pool.gpu.bf16_flops * k_delta_net_compute;
    prefill.bytes = {0, token_bytes, Field::prefill_tokens, state_bytes, Field::prefill_sequences};
    prefill.bytes_per_s = memory;
    prefill.counts = counts;
    PricedPlane plane = composer.laws.delta_net_prefill(linear, tensor, composer.model.hidden);
    if (plane.per_a_ns > 0) {
        prefill.fixed = Duration(std::llround(plane.fixed_ns));
        prefill.flops_per_s = prefill.flops.per_a * k_ns / plane.per_a_ns;
        prefill.flops.per_b = plane.per_b_ns * prefill.flops_per_s / k_ns;
        prefill.flops.b = Field::prefill_sequences;
        prefill.provenance = std::move(plane.provenance) + "; plane";
    }
    composer.add(std::move(prefill));

    OperatorSpec decode;
    decode.name = "linear.decode";
    decode.gate = Field::decode_sequences;
    decode.fixed = k_delta_net_decode_fixed;
    // a draft has a state of its own
    decode.bytes = {0, token_bytes + state_bytes, Field::decode_rows, 0, Field::decode_rows};
    decode.bytes_per_s = memory;
    decode.counts = counts;
    PricedCurve priced = composer.laws.delta_net_decode(linear, tensor, composer.model.hidden);
    decode.fixed = Duration(0);
    decode.curve = FieldCurve{priced.curve, Field::decode_rows};
    decode.provenance = std::move(priced.provenance);
    composer.add(std::move(decode));

    composer.add_elementwise("linear.norm_gate", 3 * k_bf16_bytes * static_cast<double>(v_width), counts);
    composer.add_gemm("linear.out", v_width, composer.model.hidden, counts);
}

}  // namespace replayd::cost
