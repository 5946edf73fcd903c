// Shapes that share the name of a tuned configuration: beside one that ran as usual the other is priced as slow.

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "replay/cost/laws/kernel_law.hpp"

namespace replayd::cost {
namespace {

struct Family {
    double inner, top_k, experts;
};
// Per rank of tensor-parallel groups of 1 and 2 both are 1,024 wide with 64 experts.
constexpr Family k_narrow{1'024, 10, 512};
constexpr Family k_wide{2'048, 8, 256};

KernelRow experts(const Family& family, double tensor_ranks, double expert_ranks, double exponent = 0) {
    constexpr double tokens = 64;
    KernelRow row;
    row.number = {static_cast<double>(find_type("fp8")), tokens, 4'096, family.inner, family.top_k, family.experts,
                  tensor_ranks, expert_ranks, exponent};
    row.kernel = "moe_torch_flow_cutlass";
    return row;
}

/// A law without a correction, to which the narrow family's configuration of 1,024 x 64 experts is known to be tuned.
KernelLaw::Parts parts_with_a_tuned_shape() {
    KernelLaw::Parts parts;
    parts.table = find_kernel_table("moe");
    parts.gpu = "h100_sxm";
    parts.backend = "trtllm";
    parts.source = "this test";
    parts.kernels = {{"moe_torch_flow_cutlass", {}, {{3, 1}}}};
    parts.number_min.assign(9, 0);
    parts.number_max.assign(9, 65'536);
    const KernelLaw bare(parts);
    parts.slow_curves = {{1, 1.0}};
    const KernelRow tuned = experts(k_narrow, 1, 8);
    parts.shared_tuning.tuned_for = {{parts.table->tuning_name(tuned), bare.shape_of(tuned)}};
    parts.shared_tuning.slow_factor = 4;
    return parts;
}

TEST(SharedTuning, slows_the_other_shape_of_a_name_and_not_the_one_it_was_tuned_for) {
    const KernelLaw law(parts_with_a_tuned_shape());
    EXPECT_GT(law.slowness(experts(k_wide, 2, 4), 0), 0.5);
    EXPECT_EQ(law.slowness(experts(k_narrow, 1, 8), 0), 0);
    EXPECT_EQ(law.slowness(experts(k_narrow, 1, 8, 1.2), 0), 0) << "a distribution that no row has";
    EXPECT_EQ(law.slowness(experts(k_wide, 1, 4), 0), 0) << "2,048 wide: another name";
    EXPECT_EQ(law.slowness(experts(k_wide, 2, 2), 0), 0) << "128 experts: another name";
}

TEST(SharedTuning, slows_all_but_the_fixed_part) {
    const KernelLaw law(parts_with_a_tuned_shape());
    const KernelRow row = experts(k_wide, 2, 4);
    KernelRow middle = row;
    middle.number[1] = 256;  // between 1 and 65,536 tokens
    const double fixed = law.parts().kernels[0].shares.fixed_us;
    const double usual = physical_us(*find_hardware("h100_sxm"), law.parts().kernels[0].shares,
                                     law.parts().table->work(*find_hardware("h100_sxm"), middle));
    EXPECT_NEAR(std::exp(law.slowness(row, 0)), (fixed + 4 * (usual - fixed)) / usual, 1e-9);
}

// What a served model tunes is its own: only the rows of a table have met the files of another shape.
TEST(SharedTuning, does_not_slow_the_steps_of_a_served_model) {
    KernelLaw::Parts parts = parts_with_a_tuned_shape();
    const KernelLaw law(parts);
    parts.shared_tuning.tuned_for.clear();
    const KernelLaw usual(parts);
    const Hardware& h100 = *find_hardware("h100_sxm");
    EXPECT_EQ(law.sustained(h100, experts(k_wide, 2, 4)), usual.sustained(h100, experts(k_wide, 2, 4)));
    EXPECT_GT(law.price(h100, experts(k_wide, 2, 4)).us, 1.5 * usual.price(h100, experts(k_wide, 2, 4)).us);
}

TEST(SharedTuning, survives_its_bytes_and_refuses_damaged_ones) {
    KernelLaw::Parts parts = parts_with_a_tuned_shape();
    const std::size_t width = 3;  // a forest of one tree of depth 1 that answers 0
    parts.correction = Forest(1, 1, std::vector<std::vector<float>>(width), {{}}, {0, 0});
    const std::string bytes = KernelLaw(parts).to_bytes();
    const auto again = KernelLaw::from_bytes(bytes);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->parts().shared_tuning.tuned_for, parts.shared_tuning.tuned_for);
    EXPECT_EQ(again->parts().shared_tuning.slow_factor, 4);
    for (const std::string key : {"tuned ", "untuned "}) {
        std::string damaged = bytes;
        damaged.replace(damaged.find("\n" + key) + 1, key.size(), key + "x");
        const auto refused = KernelLaw::from_bytes(damaged);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().message.rfind("a law file is damaged at the line '" + key + "x", 0), 0u)
            << refused.error().message;
    }
}

}  // namespace
}  // namespace replayd::cost
