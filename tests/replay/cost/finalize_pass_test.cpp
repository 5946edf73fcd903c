// The last pass of TensorRT-LLM's experts: own rows weigh more than tokens, and every choice is looked at.

#include <string>

#include <gtest/gtest.h>

#include "replay/cost/laws/kernel_table.hpp"

namespace replayd::cost {
namespace {

/// Microseconds of the passes of Mixtral's experts (top-2 of 8), evenly loaded, over `ranks`.
double passes_us(const std::string& kernel, double tokens, double ranks, double top_k = 2) {
    KernelRow row;
    row.number = {static_cast<double>(find_type("bfloat16")), tokens, 4'096, 14'336, top_k, 8, 16, ranks, 0};
    row.kernel = kernel;
    return find_kernel_table("moe")->work(*find_hardware("h100_sxm"), row).link_us;
}

// With an eighth of the rows a rank still writes all tokens: at equal weights those were most of the pass.
TEST(FinalizePass, is_short_on_a_rank_with_an_eighth_of_the_experts) {
    EXPECT_LT(passes_us("moe_torch_flow_cutlass", 8'192, 8),
              0.6 * passes_us("sglang_flashinfer_cutlass_moe", 8'192, 8));
}

TEST(FinalizePass, runs_for_one_choice_per_token_too) {
    const double hidden_us = 2 * 4'096.0 * 8'192 / find_hardware("h100_sxm")->hbm_bytes_per_us;
    const double more = passes_us("moe_torch_flow_cutlass", 8'192, 1, 1) -
                        passes_us("sglang_flashinfer_cutlass_moe", 8'192, 1, 1);
    EXPECT_GT(more, 1.25 * hidden_us);
    EXPECT_LT(more, 1.35 * hidden_us);
}

TEST(FinalizePass, without_a_gate_is_the_same) {
    EXPECT_LT(passes_us("moe_torch_flow_nongated", 8'192, 8), passes_us("moe_torch_flow_cutlass", 8'192, 8));
    EXPECT_LT(passes_us("moe_torch_flow_nongated", 8'192, 8),
              0.6 * passes_us("sglang_flashinfer_cutlass_moe", 8'192, 8));
}

}  // namespace
}  // namespace replayd::cost
