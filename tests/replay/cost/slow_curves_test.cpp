// Curves on which a framework ran its kernel in another way than elsewhere: known ones are priced so, others are not.

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "replay/cost/laws/kernel_law.hpp"

namespace replayd::cost {
namespace {

KernelRow experts(double tokens, double inner) {
    KernelRow row;
    row.number = {static_cast<double>(find_type("bfloat16")), tokens, 4'096, inner, 8, 256, 1, 4, 0};
    row.kernel = "experts";
    return row;
}

/// A law without a correction that knows one curve, of inner width 2,048, to take e times as long.
KernelLaw law_with_a_slow_curve() {
    KernelLaw::Parts parts;
    parts.table = find_kernel_table("moe");
    parts.gpu = "h100_sxm";
    parts.backend = "trtllm";
    parts.source = "this test";
    parts.kernels = {{"experts", {}, {{0, 1}}}};
    parts.number_min.assign(9, 0);
    parts.number_max.assign(9, 65'536);
    const std::uint64_t curve = KernelLaw(parts).curve_of(experts(1, 2'048), 0);
    parts.slow_curves = {{curve, 1.0}};
    return KernelLaw(parts);
}

TEST(SlowCurves, are_priced_slower_at_every_number_of_tokens_and_others_are_not) {
    const KernelLaw law = law_with_a_slow_curve();
    KernelLaw::Parts parts = law.parts();
    parts.slow_curves.clear();
    const KernelLaw usual(parts);
    const Hardware& h100 = *find_hardware("h100_sxm");
    for (const double tokens : {1.0, 128.0, 8'192.0}) {
        EXPECT_NEAR(law.price(h100, experts(tokens, 2'048)).us / usual.price(h100, experts(tokens, 2'048)).us,
                    std::exp(1), 1e-9);
        EXPECT_EQ(law.price(h100, experts(tokens, 1'024)).us, usual.price(h100, experts(tokens, 1'024)).us);
    }
}

// A served model is not taken to have met the fallback of one run of a table.
TEST(SlowCurves, do_not_slow_the_steps_of_a_served_model) {
    const KernelLaw law = law_with_a_slow_curve();
    const Hardware& h100 = *find_hardware("h100_sxm");
    const double burst = law.price(h100, experts(1'000, 2'048)).us / std::exp(1);
    EXPECT_NEAR(law.sustained(h100, experts(1'000, 2'048)) / burst, 1, 0.15);
}

TEST(SlowCurves, survive_their_bytes_and_refuse_damaged_ones) {
    std::string bytes = law_with_a_slow_curve().to_bytes();
    const auto again = KernelLaw::from_bytes(bytes);
    ASSERT_FALSE(again) << "a law without trees is not whole";
    const std::size_t line = bytes.find("slow ");
    ASSERT_NE(line, std::string::npos);
    bytes.replace(line, 5, "slow x");
    const auto damaged = KernelLaw::from_bytes(bytes);
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().message.rfind("a law file is damaged at the line 'slow x", 0), 0u)
        << damaged.error().message;
}

}  // namespace
}  // namespace replayd::cost
