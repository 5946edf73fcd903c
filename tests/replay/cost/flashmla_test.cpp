// FlashMLA's prefill kernel takes 64 query heads or a multiple: narrower ranks of DeepSeek-V3 pad (spec of SimAI, 5.4).

#include "tests/replay/cost/cost_fixture.hpp"

namespace replayd::cost_test {
namespace {

Scenario deepseek(std::int64_t tensor, bool flashmla) {
    Scenario out = scenario("DeepSeek-V3", "H200-SXM", {.tensor = tensor, .expert = tensor});
    out.pools[0].kv.dtype = DataType::fp8;
    out.pools[0].kv.flashmla = flashmla;
    return out;
}

// 128 heads: tensor 1 and 2 leave 128 and 64 to a GPU and pass; 4 and 8 leave 32 and 16 and pay for 64, as tensor 2
// does. Decode is as without.
TEST(FlashMla, narrow_ranks_prefill_with_padded_heads) {
    const StepShape prompt = prefill_step(2, 2'048);
    const StepShape decode = decode_step(32, 4'096);
    const std::pair<std::int64_t, std::string> cases[] = {
        {1, ""}, {2, ""}, {4, "; 32 heads padded to 64 for FlashMLA"}, {8, "; 16 heads padded to 64 for FlashMLA"}};
    for (const auto& [tensor, note] : cases) {
        SCOPED_TRACE(tensor);
        const Model padded = model_of(deepseek(tensor, true));
        const Model plain = model_of(deepseek(tensor, false));
        const OperatorCost with = operator_of(*padded, prompt, "attention.prefill");
        const OperatorCost as_wide =
            operator_of(*model_of(deepseek(std::min<std::int64_t>(tensor, 2), false)), prompt, "attention.prefill");
        EXPECT_EQ(with.provenance, as_wide.provenance + note);
        EXPECT_EQ(with.total, as_wide.total);
        EXPECT_EQ(with.total > operator_of(*plain, prompt, "attention.prefill").total, tensor > 2);
        EXPECT_EQ(step_ns(*padded, decode), step_ns(*plain, decode));
    }
}

}  // namespace
}  // namespace replayd::cost_test
