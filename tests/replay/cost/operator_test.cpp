#include "replay/cost/operator.hpp"

#include <gtest/gtest.h>

namespace replayd::cost {
namespace {

OperatorSpec kernel() {
    OperatorSpec spec;
    spec.name = "kernel";
    spec.fixed = Duration(1'000);
    spec.flops.per_a = 2e6;
    spec.flops_per_s = 1e15;  // 2 ns per row
    spec.bytes.constant = 1e6;
    spec.bytes_per_s = 1e12;  // 1000 ns
    spec.counts = {3, 1};
    return spec;
}

// 1 µs fixed; 100 rows compute for 200 ns under 1 µs of bytes; 1000 rows for 2 µs above it.
TEST(Operator, takes_the_longer_of_compute_and_memory_after_the_fixed_part) {
    const Operator op = Operator::make(kernel()).value();
    FieldValues values = field_values({.prefill_tokens = 60, .decode_sequences = 40});
    EXPECT_EQ(op.run_ns(values), 2'000);
    values = field_values({.prefill_tokens = 1'000});
    EXPECT_EQ(op.run_ns(values), 3'000);
    const OperatorCost cost = op.explain(values);
    EXPECT_EQ(cost.count, 4);
    EXPECT_EQ(cost.total, Duration(12'000));
    EXPECT_DOUBLE_EQ(cost.flops, 2e9);
    EXPECT_DOUBLE_EQ(cost.bytes, 1e6);
}

TEST(Operator, does_not_run_where_its_gate_is_zero) {
    OperatorSpec spec = kernel();
    spec.gate = Field::sampled_sequences;
    const Operator op = Operator::make(spec).value();
    EXPECT_EQ(op.run_ns(field_values({.prefill_tokens = 5})), 0);
    EXPECT_FALSE(op.depends_on_rows_only());
}

// A rate of zero makes an infinite coefficient, a tiny one an overflow; both name the operator.
TEST(Operator, refuses_a_rate_whose_time_leaves_the_range) {
    for (const double rate : {0.0, 1e-3}) {
        OperatorSpec spec = kernel();
        spec.bytes_per_s = rate;
        const auto op = Operator::make(spec);
        ASSERT_FALSE(op);
        EXPECT_EQ(op.error().code, Code::invalid_argument);
        EXPECT_EQ(op.error().message,
                  "operator \"kernel\": its time is out of range: check that the model's dimensions and the GPU's "
                  "FLOP/s, bandwidths and links are right");
    }
}

// Half a nanosecond rounds up, less rounds down.
TEST(Operator, rounds_times_half_up) {
    constexpr std::int64_t k_half = std::int64_t{1} << (k_fraction_bits - 1);
    EXPECT_EQ(to_ns(k_half - 1), 0);
    EXPECT_EQ(to_ns(k_half), 1);
    EXPECT_EQ(to_ns(3 * k_half), 2);
}

// A caller that passes nonsense is stopped before it gets a nonsense time.
TEST(OperatorDeathTest, aborts_on_a_negative_field) {
    EXPECT_DEATH(static_cast<void>(field_values({.prefill_tokens = -1})), "broken invariant: in_range");
    EXPECT_DEATH(static_cast<void>(field_values({.decode_context = std::int64_t{1} << 40})),
                 "broken invariant: in_range");
}

}  // namespace
}  // namespace replayd::cost
