// [cost.calibration]: step times scaled and shifted, and nothing else changed.

#include <gtest/gtest.h>

#include "replay/cost/cost_model.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"

namespace replayd {
namespace {

constexpr const char* k_toml = R"(name = "c"
model = "Llama-3.1-8B"
gpu = "H100-SXM"
[[pool]]
role = "mixed"
)";

std::shared_ptr<const CostModel> cost_of(const std::string& more) {
    return compile(parse_scenario(k_toml + more, "test", Catalog::built_in()).value()).value()->costs.front();
}

StepShape mixed_shape() {
    StepShape shape;
    shape.prefill_tokens = 300;
    shape.prefill_sequences = 1;
    shape.prefill_pairs = 300 * 301 / 2;
    shape.prefill_context = 300;
    shape.prefill_squares = 300 * 300;
    shape.decode_sequences = 20;
    shape.decode_context = 20'000;
    shape.sampled_sequences = 21;
    return shape;
}

Duration step_of(const CostModel& model, const StepShape& shape) {
    Duration out{0};
    model.step(shape, std::span(&out, 1));
    return out;
}

TEST(Calibration, scales_the_step_and_adds_what_the_host_takes) {
    const auto plain = cost_of("");
    const auto corrected = cost_of("[cost]\n[cost.calibration]\nkernels = 1.5\nhost_us = 100\n");
    const Duration before = step_of(*plain, mixed_shape());
    EXPECT_EQ(step_of(*corrected, mixed_shape()), Duration(before.value * 3 / 2) + Duration(100 * k_ns_per_us));
    EXPECT_EQ(step_of(*corrected, StepShape{}), Duration(0));
}

TEST(Calibration, a_request_alone_costs_its_step_where_that_holds_uncorrected) {
    const auto corrected = cost_of("[cost]\n[cost.calibration]\nkernels = 1.5\nhost_us = 100\n");
    ASSERT_TRUE(corrected->alone_is_step());
    Duration alone{0};
    corrected->alone(mixed_shape(), std::span(&alone, 1));
    EXPECT_EQ(alone, step_of(*corrected, mixed_shape()));
}

TEST(Calibration, of_many_decode_steps_is_that_of_each) {
    const auto corrected = cost_of("[cost]\n[cost.calibration]\nkernels = 0.937\nhost_us = 37\n");
    StepShape shape;
    shape.decode_sequences = 20;
    shape.decode_context = 20'000;
    shape.sampled_sequences = 20;
    std::vector<Duration> times(50);
    corrected->next_decode_steps(shape, times);
    for (const Duration time : times) {
        shape.decode_context += shape.decode_sequences;
        EXPECT_EQ(time, step_of(*corrected, shape));
    }
}

TEST(Calibration, operators_still_sum_to_the_step) {
    const auto corrected = cost_of("[cost]\n[cost.calibration]\nkernels = 1.037\nhost_us = 81\n");
    Duration sum{0};
    for (const OperatorCost& cost : corrected->explain(mixed_shape())) sum += cost.total;
    EXPECT_EQ(sum, step_of(*corrected, mixed_shape()));
}

TEST(Calibration, of_one_and_nothing_is_no_change) {
    EXPECT_EQ(step_of(*cost_of("[cost]\n[cost.calibration]\nkernels = 1\n"), mixed_shape()),
              step_of(*cost_of(""), mixed_shape()));
}

TEST(Calibration, out_of_range_is_refused_by_name) {
    const auto message = [](const std::string& lines) {
        const auto parsed =
            parse_scenario(k_toml + ("[cost]\n[cost.calibration]\n" + lines), "test", Catalog::built_in());
        return parsed ? std::string("(no error)") : parsed.error().message;
    };
    EXPECT_EQ(message("kernels = 0\n"),
              "test:8: cost.calibration.kernels = 0: expected a number of at least 0.01 and at most 100");
    EXPECT_EQ(message("host_us = -1\n"),
              "test:8: cost.calibration.host_us = -1: expected a number of at least 0 and at most 3.6e+15");
    EXPECT_EQ(message("kernel = 1\n"), "test:8: cost.calibration.kernel: unknown key; did you mean \"kernels\"?");
}

}  // namespace
}  // namespace replayd
