// What an expert layer does beside its products, and where frameworks run a tuned kernel.

#include <gtest/gtest.h>

#include <string>

#include "replay/cost/laws/kernel_law.hpp"
#include "replay/cost/laws/law_choice.hpp"
#include "replay/cost/laws/tuned_experts.hpp"

namespace replayd::cost {
namespace {

KernelRow layer(double tokens, double inner, double top_k, double experts, double ranks, const char* kernel) {
    KernelRow row;
    row.number = {static_cast<double>(find_type("bfloat16")), tokens, 4'096, inner, top_k, experts, 1, ranks, 0};
    row.kernel = kernel;
    return row;
}

/// Time of the passes at the HBM rate.
double passes_us(const KernelRow& row) {
    return find_kernel_table("moe")->work(*find_hardware("h100_sxm"), row).link_us;
}

TEST(MoeLaw, choices_of_other_ranks_cost_passes_in_triton_and_none_in_cutlass) {
    const auto shared = [](const char* kernel, double ranks) {
        return passes_us(layer(4'096, 2'048, 8, 256, ranks, kernel));
    };
    EXPECT_GT(shared("sglang_fused_moe_triton", 8), 0.9 * shared("sglang_fused_moe_triton", 1));
    EXPECT_LT(shared("sglang_flashinfer_cutlass_moe", 8), 0.2 * shared("sglang_flashinfer_cutlass_moe", 1));
}

// 1,024 tokens, hidden 4,096, inner 2,048: the sum of two choices reads 2 and writes 1 row of bf16 per token.
TEST(MoeLaw, one_choice_per_token_needs_no_sum) {
    const double one = passes_us(layer(1'024, 2'048, 1, 8, 1, "triton"));
    const double two = passes_us(layer(1'024, 2'048, 2, 8, 1, "triton"));
    EXPECT_NEAR(two - 2 * one, 1'024 * 4'096 * 2 * 3 / 3.35e6, 1e-9);
}

TEST(TunedExperts, are_those_of_the_gpu_itself) {
    EXPECT_TRUE(has_tuned_experts("h100_sxm", 16, 2'048));
    EXPECT_FALSE(has_tuned_experts("h100_sxm", 16, 4'096));
    EXPECT_FALSE(has_tuned_experts("h100_sxm", 8, 14'336));
    EXPECT_TRUE(has_tuned_experts("h200_sxm", 8, 14'336));
}

TEST(TunedExperts, follow_the_h100_where_no_list_was_looked_up) {
    EXPECT_TRUE(has_tuned_experts("h800_sxm", 128, 768));
    EXPECT_FALSE(has_tuned_experts("h800_sxm", 8, 14'336));
}

// SGLang's Triton kernel on the H100: with the default blocks 16 experts of 4,096 columns reach 235 TFLOP/s, with tuned
// ones 16 of 2,048 reach 667 (public tables), so that half of the work takes a fifth of the time.
TEST(TunedExperts, make_the_law_faster_where_rows_abound) {
    const auto chosen = choose_law(*find_kernel_table("moe"), *find_hardware("h100_sxm"), "sglang");
    ASSERT_TRUE(chosen) << chosen.error().message;
    const auto us = [&](double inner) {
        return chosen->price(layer(16'384, inner, 1, 16, 1, "sglang_fused_moe_triton")).us;
    };
    EXPECT_LT(us(2'048), 0.3 * us(4'096));
}

/// Physical forms only: 6,000 rows of Triton's kernel in 20 us, 40 rows of Marlin's situ variant in 80.
KernelLaw law_of_two_kernels() {
    KernelLaw::Parts parts;
    parts.table = find_kernel_table("moe");
    parts.gpu = "h100_sxm";
    parts.backend = "sglang";
    parts.source = "this test";
    KernelShares fast, slow;
    fast.fixed_us = 20;
    slow.fixed_us = 80;
    parts.kernels = {{"sglang_marlin_moe_situ_as_silu", slow, {{8, 40}}},
                     {"sglang_fused_moe_triton", fast, {{0, 6'000}}}};
    parts.number_min.assign(9, 0);
    parts.number_max.assign(9, 65'536);
    return KernelLaw(parts);
}

// Marlin's plain kernel is 25 us long at the least; its variant's 80 are those of its one family.
TEST(MoeLaw, a_kernel_of_few_rows_does_not_stand_in_for_one_of_like_name) {
    KernelRow int4 = layer(1, 256, 8, 256, 8, "sglang_marlin_moe");
    int4.number[0] = static_cast<double>(find_type("int4_wo"));
    const KernelPrice price = law_of_two_kernels().price(*find_hardware("h100_sxm"), int4);
    EXPECT_TRUE(price.kernel_assumed);
    EXPECT_LT(price.us, 40);
}

}  // namespace
}  // namespace replayd::cost
