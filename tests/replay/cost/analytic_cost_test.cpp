#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/replay/cost/cost_fixture.hpp"

namespace replayd::cost_test {
namespace {

constexpr std::int64_t StepShape::*k_shape_fields[] = {
    &StepShape::prefill_tokens,   &StepShape::prefill_sequences, &StepShape::prefill_pairs,
    &StepShape::prefill_context,  &StepShape::decode_sequences,  &StepShape::decode_context,
    &StepShape::sampled_sequences};

// The contract: more of any field never makes any stage cheaper. Steps reach past the table of 4096 rows.
TEST(AnalyticCost, more_work_never_costs_less_on_any_stage) {
    Random random(1);
    for (const Scenario& each : scenario_zoo()) {
        const Model model = model_of(each);
        for (int i = 0; i < 150; ++i) {
            const StepShape shape = random_shape(random);
            const auto before = stage_times(*model, shape);
            for (const auto field : k_shape_fields) {
                StepShape more = shape;
                more.*field += 1 + static_cast<std::int64_t>(random.below(i % 2 == 0 ? 2 : 2'000));
                const auto after = stage_times(*model, more);
                for (std::size_t stage = 0; stage < after.size(); ++stage) {
                    ASSERT_GE(after[stage], before[stage]) << each.name << " shape " << i << " stage " << stage;
                }
            }
        }
    }
}

// The same along every row of the table, where rounding could bite.
TEST(AnalyticCost, each_further_token_never_costs_less) {
    for (const Scenario& each : scenario_zoo()) {
        const Model model = model_of(each);
        std::int64_t before = 0;
        for (std::int64_t rows = 1; rows <= 6'000; ++rows) {
            const std::int64_t now = step_ns(*model, {.prefill_tokens = rows, .prefill_sequences = 1});
            ASSERT_GE(now, before) << each.name << " at " << rows;
            before = now;
        }
    }
}

// Many steps of a stretch at once cost what each of them costs alone, for every scenario with one stage.
TEST(AnalyticCost, next_decode_steps_equal_single_steps) {
    Random random(3);
    for (const Scenario& each : scenario_zoo()) {
        const Model model = model_of(each);
        if (model->stages() != 1) continue;
        for (int i = 0; i < 20; ++i) {
            const auto sequences = 1 + static_cast<std::int64_t>(random.below(300));
            StepShape shape{.decode_sequences = sequences,
                            .decode_context = sequences * static_cast<std::int64_t>(1 + random.below(9'000)),
                            .sampled_sequences = sequences};
            std::vector<Duration> steps(1 + random.below(200));
            model->next_decode_steps(shape, steps);
            for (const Duration step : steps) {
                shape.decode_context += sequences;
                ASSERT_EQ(step.value, step_ns(*model, shape)) << each.name << " context " << shape.decode_context;
            }
        }
    }
}

// The ledger takes the price of a step that one request has for itself for what the request would cost alone.
TEST(AnalyticCost, a_request_alone_costs_its_step_where_the_model_says_so) {
    Random random(4);
    for (const Scenario& each : scenario_zoo()) {
        const Model model = model_of(each);
        ASSERT_TRUE(model->alone_is_step()) << each.name;
        std::vector<Duration> alone(static_cast<std::size_t>(model->stages()));
        for (int i = 0; i < 40; ++i) {
            const StepShape shape = random_shape(random);
            model->alone(shape, alone);
            ASSERT_EQ(alone, stage_times(*model, shape)) << each.name << " shape " << i;
        }
    }
}

TEST(AnalyticCost, explained_operators_add_up_to_the_stages_exactly) {
    Random random(2);
    for (const Scenario& each : scenario_zoo()) {
        const Model model = model_of(each);
        for (int i = 0; i < 40; ++i) {
            const StepShape shape = random_shape(random);
            std::int64_t total = 0;
            for (const OperatorCost& cost : model->explain(shape)) {
                EXPECT_EQ(cost.total + cost.hidden, cost.count * (cost.fixed + std::max(cost.compute, cost.memory)))
                    << cost.name;
                EXPECT_FALSE(cost.provenance.empty()) << cost.name;
                EXPECT_GT(cost.count, 0) << cost.name;
                total += cost.total.value;
            }
            ASSERT_EQ(total, step_ns(*model, shape)) << each.name << " shape " << i;
        }
    }
}

// A step beyond the table is evaluated operator by operator: same integers as a model with a larger table.
TEST(AnalyticCost, the_table_changes_no_result) {
    Random random(3);
    for (Scenario each : scenario_zoo()) {
        each.pools[0].batching.max_batched_tokens = Tokens(1);
        const Model untabulated = model_of(each);
        each.pools[0].batching.max_batched_tokens = Tokens(10'000);
        const Model tabulated = model_of(each);
        for (int i = 0; i < 40; ++i) {
            const StepShape shape = random_shape(random);
            ASSERT_EQ(stage_times(*untabulated, shape), stage_times(*tabulated, shape)) << each.name;
        }
    }
}

TEST(AnalyticCost, only_an_empty_step_is_free) {
    for (const Scenario& each : scenario_zoo()) {
        const Model model = model_of(each);
        EXPECT_EQ(step_ns(*model, {}), 0);
        EXPECT_TRUE(model->explain({}).empty());
        for (const Duration stage : stage_times(*model, decode_step(1, 1))) EXPECT_GT(stage.value, 0) << each.name;
    }
}

// What a closed-form sum of decode steps relies on: with fixed sequences a stage's time is affine pieces of
// decode_context that only get steeper, up to the rounding of each layer (half a nanosecond either way).
TEST(AnalyticCost, decode_time_is_convex_in_the_context_for_a_fixed_batch) {
    for (const Scenario& each : scenario_zoo()) {
        const Model model = model_of(each);
        for (const std::int64_t stride : {1, 37, 5'000}) {
            StepShape shape = decode_step(48, 1);
            for (int i = 0; i < 200; ++i, shape.decode_context += stride * 48) {
                StepShape next = shape, last = shape;
                next.decode_context += stride;
                last.decode_context += 2 * stride;
                const std::int64_t bend =
                    step_ns(*model, last) - 2 * step_ns(*model, next) + step_ns(*model, shape);
                ASSERT_GE(bend, -2 * each.model.layers) << each.name << " at " << shape.decode_context;
            }
        }
    }
}

// Integers from one build, to be met by every other: debug, release, sanitized, any processor. A changed fact
// of the catalog, constant of efficiency.hpp or fitted law changes them too; then they are to be written anew.
TEST(AnalyticCost, golden_times_are_equal_in_every_build) {
    StepShape mixed = decode_step(37, 1'234);
    mixed.prefill_tokens = 777;
    mixed.prefill_sequences = 2;
    mixed.prefill_pairs = 777 * 500;
    mixed.prefill_context = 1'500;
    const std::int64_t expected[] = {
        22'142'783, 129'610'631, 171'247'751, 137'868'980, 11'465'847, 29'539'591, 61'331'428,
        39'951'287, 193'421'844, 57'359'551, 155'566'552, 323'099'286, 27'557'575};
    const auto zoo = scenario_zoo();
    ASSERT_EQ(zoo.size(), std::size(expected));
    for (std::size_t i = 0; i < zoo.size(); ++i) {
        EXPECT_EQ(step_ns(*model_of(zoo[i]), mixed), expected[i]) << zoo[i].name;
    }
}

// Stages share the layers, but only the first embeds and only the last samples.
TEST(AnalyticCost, pipeline_stages_hold_embedding_first_and_head_last) {
    const Model one = model_of(scenario("Llama-3-70B", "H100-SXM", {.tensor = 4}));
    const Model two = model_of(scenario("Llama-3-70B", "H100-SXM", {.tensor = 4, .pipeline = 2}));
    const StepShape shape = decode_step(32, 1'000);
    const std::int64_t sent = operator_of(*two, shape, "pipeline.send").total.value;
    EXPECT_EQ(step_ns(*two, shape), step_ns(*one, shape) + sent);

    StepShape unsampled = shape;
    unsampled.sampled_sequences = 0;
    const auto with = stage_times(*two, shape);
    const auto without = stage_times(*two, unsampled);
    EXPECT_EQ(with[0], without[0]);
    EXPECT_GT(with[1], without[1]);
}

// Constants that were measured say on which GPU, and where they are carried over to another.
TEST(AnalyticCost, names_the_gpu_of_its_constants) {
    const auto provenance = [](const char* gpu) {
        return operator_of(*model_of(scenario("Llama-3.1-8B", gpu)), decode_step(1, 64), "sampler").provenance;
    };
    EXPECT_EQ(provenance("H100-SXM"), "measured h100_sxm/replayd");
    EXPECT_EQ(provenance("A100-SXM-80GB"), "measured h100_sxm/replayd scaled to a100_sxm");
}

// One half of the batch computes while the tokens of the other travel: what shows is the longer of the two, and the SMs
// that travelling takes. Nothing is hidden for free: the layers' kernels run twice.
TEST(AnalyticCost, overlap_hides_travelling_behind_compute_and_no_more) {
    Scenario each = scenario("DeepSeek-V3", "H800", {.data = 32, .expert = 32});
    each.pools[0].role = PoolRole::prefill;
    each.pools[0].runtime.moe = MoeBackend::deepep_normal;
    const StepShape shape = prefill_step(4, 4'096);
    const std::int64_t serial = step_ns(*model_of(each), shape);
    each.pools[0].runtime.moe_overlap = MoeOverlap::two_batch;
    const auto halves_with = [&](std::int64_t sms) {
        each.pools[0].runtime.deepep_sms = sms;
        const Model model = model_of(each);
        std::int64_t hidden = 0, travelling = 0;
        for (const OperatorCost& cost : model->explain(shape)) {
            hidden += cost.hidden.value;
            if (cost.name == "moe.dispatch" || cost.name == "moe.combine") {
                travelling += cost.total.value + cost.hidden.value;
            } else {
                EXPECT_EQ(cost.hidden.value, 0) << cost.name;
            }
        }
        EXPECT_GT(hidden, 0);
        // 20 of 132 SMs slow what computes beside them: that part of the time stays visible.
        EXPECT_LE(hidden, travelling - travelling * sms / 132 + 58 * 4);
        return step_ns(*model, shape);
    };
    const std::int64_t overlapped = halves_with(20);
    EXPECT_LT(overlapped, serial);
    EXPECT_GT(halves_with(40), overlapped);
}

// A prompt in two chunks reads its first half again; whole, it does not.
TEST(AnalyticCost, a_chunked_prompt_costs_more_than_a_whole_one) {
    const Model model = model_of(scenario("DeepSeek-V3", "H200-SXM", {.tensor = 8, .expert = 8}));
    StepShape second = prefill_step(1, 4'096);
    second.prefill_pairs += 4'096 * 4'096;
    second.prefill_context += 4'096;
    EXPECT_GT(step_ns(*model, prefill_step(1, 4'096)) + step_ns(*model, second),
              step_ns(*model, prefill_step(1, 8'192)));
}

}  // namespace
}  // namespace replayd::cost_test
