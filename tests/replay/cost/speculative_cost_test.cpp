// Steps that verify drafts and make new ones.

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "replay/cost/tables/step_profile.hpp"
#include "tests/replay/cost/cost_fixture.hpp"

namespace replayd::cost_test {
namespace {

Scenario drafting(Scenario scenario, DraftMethod method, std::int64_t tokens, double acceptance = 0.9) {
    PoolSpec& pool = scenario.pools[0];
    if (method == DraftMethod::mtp) pool.runtime.draft_layers = 1;
    pool.speculation = SpeculationSpec{method, tokens, acceptance};
    return scenario;
}

StepShape verify_step(std::int64_t sequences, std::int64_t context, std::int64_t drafts) {
    StepShape shape = decode_step(sequences, context);
    shape.draft_tokens = sequences * drafts;
    shape.draft_pairs = shape.draft_tokens * context;
    shape.sampled_sequences += shape.draft_tokens;
    return shape;
}

Scenario deepseek() {
    Scenario scenario = cost_test::scenario("DeepSeek-V3", "H800", {.data = 32, .expert = 32});
    scenario.pools[0].role = PoolRole::decode;
    scenario.pools[0].runtime.moe = MoeBackend::deepep_low_latency;
    return scenario;
}

// Every row of a draft passes through projections and head; a cache is read once for all rows of its sequence.
TEST(SpeculativeCost, drafts_are_rows_of_a_step_but_read_no_cache_of_their_own) {
    const Model model = model_of(drafting(scenario("Llama-3.1-8B", "H100-SXM"), DraftMethod::ngram, 3));
    const StepShape plain = decode_step(32, 4'000);
    const StepShape verify = verify_step(32, 4'000, 3);
    for (const char* name : {"attention.qkv", "ffn.up", "lm_head"}) {
        EXPECT_DOUBLE_EQ(operator_of(*model, verify, name).flops, 4 * operator_of(*model, plain, name).flops) << name;
    }
    EXPECT_DOUBLE_EQ(operator_of(*model, verify, "attention.decode").bytes,
                     operator_of(*model, plain, "attention.decode").bytes);
    EXPECT_DOUBLE_EQ(operator_of(*model, verify, "attention.decode").flops,
                     4 * operator_of(*model, plain, "attention.decode").flops);
    EXPECT_LT(step_ns(*model, verify), 4 * step_ns(*model, plain));
}

// A search in the prompt costs the GPU nothing, so that a step without drafts is plain decoding.
TEST(SpeculativeCost, without_drafts_a_step_costs_what_plain_decoding_costs) {
    const Model plain = model_of(scenario("Llama-3.1-8B", "H100-SXM"));
    const Model drafted = model_of(drafting(scenario("Llama-3.1-8B", "H100-SXM"), DraftMethod::ngram, 3));
    for (const std::int64_t sequences : {1, 40, 256}) {
        const StepShape shape = decode_step(sequences, 2'000);
        EXPECT_EQ(step_ns(*drafted, shape), step_ns(*plain, shape)) << sequences;
    }
}

// The layer, its projection of embedding and hidden state, and its head, once for each draft.
TEST(SpeculativeCost, each_draft_is_a_pass_through_a_layer_and_the_head) {
    const Model one = model_of(drafting(deepseek(), DraftMethod::mtp, 1));
    const Model three = model_of(drafting(deepseek(), DraftMethod::mtp, 3));
    const StepShape shape = verify_step(64, 4'000, 1);
    EXPECT_EQ(operator_of(*one, shape, "draft.lm_head").count, 1);
    EXPECT_EQ(operator_of(*three, shape, "draft.further.lm_head").count, 2);
    EXPECT_EQ(operator_of(*one, shape, "draft.moe.experts").count, 1);
    const double hidden = 7'168;
    EXPECT_DOUBLE_EQ(operator_of(*one, shape, "draft.projection").flops, 128 * 2 * (2 * hidden) * hidden);
    EXPECT_DOUBLE_EQ(operator_of(*three, shape, "draft.further.projection").flops, 64 * 2 * (2 * hidden) * hidden);
    for (const OperatorCost& cost : one->explain(shape)) EXPECT_EQ(cost.name.find("draft.further"), std::string::npos);
}

TEST(SpeculativeCost, operators_add_up_to_the_step_and_more_work_never_costs_less) {
    Random random(5);
    const Model model = model_of(drafting(deepseek(), DraftMethod::mtp, 2));
    constexpr std::int64_t StepShape::*k_grown[] = {&StepShape::decode_sequences, &StepShape::decode_context,
                                                    &StepShape::prefill_tokens, &StepShape::draft_pairs,
                                                    &StepShape::prefill_context};
    for (int i = 0; i < 200; ++i) {
        StepShape shape = random_shape(random);
        shape.draft_tokens = 2 * shape.decode_sequences;
        shape.draft_pairs = 2 * shape.decode_context;
        shape.sampled_sequences += shape.draft_tokens;
        std::int64_t total = 0;
        for (const OperatorCost& cost : model->explain(shape)) {
            total += cost.total.value;
            EXPECT_FALSE(cost.provenance.empty()) << cost.name;
        }
        ASSERT_EQ(total, step_ns(*model, shape)) << "shape " << i;
        for (const auto field : k_grown) {
            StepShape more = shape;
            more.*field += 1 + static_cast<std::int64_t>(random.below(500));
            ASSERT_GE(step_ns(*model, more), step_ns(*model, shape)) << "shape " << i;
        }
    }
}

// DeepSeek-V3's technical report (arXiv 2412.19437, section 5.4.3): one draft, accepted in 85 to 90 % of cases, makes
// decoding 1.8 times as fast. Small batches, where a step reads weights.
TEST(SpeculativeCost, deepseek_v3_gains_what_its_report_says) {
    const SpeculationSpec spec{DraftMethod::mtp, 1, 0.875};
    const Model plain = model_of(deepseek());
    const Model drafted = model_of(drafting(deepseek(), DraftMethod::mtp, 1));
    const double longer = static_cast<double>(step_ns(*drafted, verify_step(8, 2'000, 1))) /
                          static_cast<double>(step_ns(*plain, decode_step(8, 2'000)));
    EXPECT_NEAR(spec.made_per_step() / longer, 1.8, 0.18);
}

// No profile times the verification of drafts.
TEST(SpeculativeCost, is_refused_with_a_profile) {
    Scenario profiled = drafting(scenario("Llama-3.1-8B", "H100-SXM"), DraftMethod::ngram, 1);
    profiled.cost = CostSource::profile;
    profiled.pools[0].profile = std::make_shared<const cost::StepProfile>();
    const auto model = make_cost_model(profiled, profiled.pools[0]);
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().message,
              "pool \"only\": cost.source is \"profile\": expected analytic or linear with [pool.speculation], "
              "since no profile times the verification of drafts");
}

}  // namespace
}  // namespace replayd::cost_test
