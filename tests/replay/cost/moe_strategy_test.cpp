#include "replay/cost/moe_strategy.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "replay/cost/moe_strategy_rows.hpp"
#include "tests/replay/cost/cost_fixture.hpp"

namespace replayd::cost {
namespace {

using enum MoeQuant;

constexpr auto k_tensor = MoeBackend::tensor;
constexpr auto k_normal = MoeBackend::deepep_normal;
constexpr auto k_low = MoeBackend::deepep_low_latency;

struct Chosen {
    MoeStrategyQuery query;
    std::string name;
    MoeRouter router;
    MoeExecutor executor;
    MoeLayoutRule layout;
    std::int64_t priority;
};

MoeStrategyQuery spread(MoeQuant quant, MoeBackend backend) {
    return {.quant = quant, .data = 8, .expert = 8, .backend = backend};
}

MoeStrategyQuery whole(MoeQuant quant) { return {.quant = quant, .tensor = 8, .expert = 8, .backend = k_tensor}; }

MoeStrategyQuery naming(MoeStrategyQuery query, const char* name) {
    query.name = name;
    return query;
}

MoeStrategyQuery on(MoeStrategyQuery query, int architecture) {
    query.architecture = architecture;
    return query;
}

MoeStrategyQuery replayed(MoeStrategyQuery query) {
    query.cuda_graphs = true;
    return query;
}

MoeStrategyQuery data_only(MoeStrategyQuery query) {
    query.tensor = 1;
    query.data = query.expert = 8;
    return query;
}

MoeStrategyQuery context_parallel(MoeStrategyQuery query) {
    query.context_parallel = true;
    return query;
}

/// The table of the specification, section 9: each row where it wins or is named.
std::vector<Chosen> table() {
    using enum MoeRouter;
    using enum MoeExecutor;
    constexpr auto masked = MoeLayoutRule::masked;
    constexpr auto hybrid = MoeLayoutRule::hybrid;
    constexpr auto contiguous = MoeLayoutRule::contiguous;
    constexpr auto sorted = MoeLayoutRule::sorted;
    return {
        {spread(none, k_low), "no_auant_ep_low_latency", deepep_low_latency, deepgemm_masked, masked, 42},
        {spread(none, k_normal), "no_auant_dp_normal", deepep_normal, fused, sorted, 22},
        {whole(none), "no_auant_cpp", pure_tensor, fused, sorted, 52},
        {naming(spread(none, k_normal), "no_quant_dp_normal_deepgemm"), "no_quant_dp_normal_deepgemm", deepep_normal,
         deepgemm_hybrid, hybrid, 22},
        {whole(fp8_block), "fp8_per_block_no_dp", pure_tensor, deepgemm_hybrid, hybrid, 51},
        {replayed(naming(whole(fp8_block), "fp8_per_block_no_dp_masked")), "fp8_per_block_no_dp_masked", pure_tensor,
         deepgemm_masked, masked, 52},
        {data_only(naming(whole(fp8_block), "fp8_per_block_pure_dp")), "fp8_per_block_pure_dp", gathered,
         deepgemm_masked, masked, 52},
        {context_parallel(naming(whole(fp8_block), "fp8_per_block_pure_cp")), "fp8_per_block_pure_cp", gathered,
         deepgemm_hybrid, hybrid, 51},
        {replayed(spread(fp8_block, k_low)), "fp8_per_block_ep_low_latency", deepep_low_latency, deepgemm_masked,
         masked, 42},
        {spread(fp8_block, k_normal), "fp8_per_block_ep_normal", deepep_normal, deepgemm_hybrid, hybrid, 21},
        {whole(fp8_tensor), "fp8_per_tensor_no_dp", pure_tensor, cutlass, contiguous, 53},
        {spread(fp8_tensor, k_low), "fp8_per_tensor_ep_low_latency", deepep_low_latency, cutlass, contiguous, 44},
        {spread(fp8_tensor, k_normal), "fp8_per_tensor_ep_normal", deepep_normal, cutlass, contiguous, 23},
        {whole(int4_fp8), "w4a8_int4_per_channel_no_dp", pure_tensor, cutlass, contiguous, 55},
        {spread(int4_fp8, k_low), "w4a8_int4_per_channel_ep_low_latency", deepep_low_latency, cutlass, contiguous, 46},
        {spread(int4_fp8, k_normal), "w4a8_int4_per_channel_ep_normal", deepep_normal, cutlass, contiguous, 25},
        {whole(fp4), "fp4_no_dp", pure_tensor, trtllm, contiguous, 57},
        {spread(fp4, k_low), "fp4_ep_low_latency", deepep_low_latency, cutedsl_masked, masked, 48},
        {spread(fp4, k_normal), "fp4_ep_normal", deepep_normal, trtllm, contiguous, 27},
        {naming(whole(none), "batched_triton"), "batched_triton", batched, batched_triton, masked, 0},
        {spread(fp8_block, MoeBackend::fused), "vllm_fused", gathered, fused, sorted, 0},
    };
}

TEST(MoeStrategy, every_row_of_the_table_is_chosen_where_its_needs_are_met) {
    std::vector<std::string> seen;
    for (const Chosen& row : table()) {
        const auto chosen = choose_moe_strategy(row.query);
        ASSERT_TRUE(chosen) << row.name << ": " << chosen.error().message;
        EXPECT_EQ(chosen->name, row.name);
        EXPECT_EQ(chosen->router, row.router) << row.name;
        EXPECT_EQ(chosen->executor, row.executor) << row.name;
        EXPECT_EQ(chosen->layout, row.layout) << row.name;
        EXPECT_EQ(chosen->priority, row.priority) << row.name;
        for (const std::string& reason : {chosen->router_reason, chosen->executor_reason, chosen->layout_reason}) {
            EXPECT_FALSE(reason.empty()) << row.name;
        }
        seen.emplace_back(chosen->name);
    }
    for (const MoeStrategyRow& row : k_moe_strategy_rows) {
        EXPECT_EQ(std::count(seen.begin(), seen.end(), row.name), 1) << row.name;
    }
}

// vLLM's kernels take what no row of the table takes.
TEST(MoeStrategy, fused_kernels_take_every_combination) {
    for (const MoeQuant quant : {none, fp8_block, fp8_tensor, int4_fp8, fp4, MoeQuant::int8}) {
        for (const MoeStrategyQuery& query : {replayed(on(whole(quant), 80)), spread(quant, k_normal)}) {
            MoeStrategyQuery fused = query;
            fused.backend = MoeBackend::fused;
            const auto chosen = choose_moe_strategy(fused);
            ASSERT_TRUE(chosen);
            EXPECT_EQ(chosen->router, query.data > 1 ? MoeRouter::gathered : MoeRouter::pure_tensor);
        }
    }
}

TEST(MoeStrategy, says_why_in_one_line) {
    EXPECT_EQ(
        choose_moe_strategy(spread(fp8_block, k_normal))->text(),
        "fp8_per_block_ep_normal: exchange DeepEP normal (moe = deepep_normal, expert = 8); executor DeepGEMM hybrid "
        "(fp8 with a scale per block, SM 90, no CUDA graphs); layout masked or contiguous (by the tokens received)");
}

TEST(MoeStrategy, an_impossible_choice_names_field_value_expectation_and_remedy) {
    const std::string graphs =
        "false, since the host must know how many rows each expert got; or choose moe = \"deepep_low_latency\", or "
        "moe_strategy = \"fp8_per_block_no_dp_masked\" with moe = \"tensor\"";
    const struct {
        MoeStrategyQuery query;
        std::string message;
    } cases[] = {
        {replayed(spread(fp8_block, k_normal)),
         "runtime.cuda_graphs is true: strategy fp8_per_block_ep_normal needs " + graphs},
        {replayed(whole(fp8_block)), "runtime.cuda_graphs is true: strategy fp8_per_block_no_dp needs " + graphs},
        {on(spread(fp8_block, k_low), 80),
         "gpu is of SM version 80: strategy fp8_per_block_ep_low_latency needs 90 or later; set runtime.moe = "
         "\"fused\""},
        {data_only(whole(fp8_block)),
         "runtime.moe is \"tensor\": no strategy moves fp8 with a scale per block experts so with tensor = 1, data = "
         "8, expert = 8; expected \"fused\", which takes every combination, or for experts over data ranks a DeepEP "
         "mode"},
        {spread(MoeQuant::int8, k_low),
         "runtime.moe is \"deepep_low_latency\": no strategy moves int8 experts so with tensor = 1, data = 8, expert = "
         "8; expected \"fused\", which takes every combination, or for experts over data ranks a DeepEP mode"},
        {naming(spread(none, MoeBackend::fused), "fp8_per_block_no_dp"),
         "runtime.moe_strategy is \"fp8_per_block_no_dp\": expected none with runtime.moe = \"fused\", vLLM's kernels; "
         "set moe to auto, tensor or a DeepEP mode"},
        {naming(spread(none, k_low), "vllm_fused"),
         "runtime.moe_strategy is \"vllm_fused\": expected runtime.moe = \"fused\" with it"},
        {naming(whole(none), "fp8_per_block_no_dp"),
         "weights is bf16: strategy fp8_per_block_no_dp needs fp8 with a scale per block (runtime.moe_strategy names "
         "it)"},
        {naming(spread(fp8_block, k_low), "fp8_per_block_ep_normal"),
         "runtime.moe is \"deepep_low_latency\": strategy fp8_per_block_ep_normal needs \"deepep_normal\" "
         "(runtime.moe_strategy names it)"},
        {naming(whole(fp8_block), "fp8_per_block_pure_dp"),
         "parallel.expert is 8: strategy fp8_per_block_pure_dp needs tensor = 1 and expert = data, 2 or more; here "
         "tensor is 8 and data is 1 (runtime.moe_strategy names it)"},
        {naming(whole(fp8_block), "fp8_per_block_pure_cp"),
         "runtime.moe_strategy is \"fp8_per_block_pure_cp\": it needs prefill context parallelism, which replayd does "
         "not model; choose another (runtime.moe_strategy names it)"},
        {naming(data_only(whole(none)), "no_auant_cpp"),
         "parallel.expert is 8: strategy no_auant_cpp needs 1, or tensor = 1 with data = 1; choose a DeepEP mode to "
         "spread experts over data ranks (runtime.moe_strategy names it)"},
        {naming({.backend = k_low}, "no_auant_ep_low_latency"),
         "parallel.expert is 1: strategy no_auant_ep_low_latency needs experts over 2 or more ranks "
         "(runtime.moe_strategy names it)"},
    };
    for (const auto& each : cases) {
        const auto chosen = choose_moe_strategy(each.query);
        ASSERT_FALSE(chosen) << chosen->name;
        EXPECT_EQ(chosen.error().code, Code::invalid_argument);
        EXPECT_EQ(chosen.error().message, each.message);
    }
    const auto unknown = choose_moe_strategy(naming(whole(none), "deepgemm"));
    ASSERT_FALSE(unknown);
    EXPECT_TRUE(unknown.error().message.starts_with(
        "runtime.moe_strategy is \"deepgemm\": expected one of no_auant_ep_low_latency, no_auant_dp_normal, "))
        << unknown.error().message;
}

// The start-up error of a run: the pool's name goes before it.
TEST(MoeStrategy, a_pool_without_a_strategy_has_no_cost_model) {
    Scenario each = cost_test::scenario("DeepSeek-V3", "H800", {.data = 32, .expert = 32});
    each.pools[0].runtime.moe = k_normal;
    const auto model = make_cost_model(each, each.pools[0]);
    ASSERT_FALSE(model);
    EXPECT_TRUE(model.error().message.starts_with("pool \"only\": runtime.cuda_graphs is true: "))
        << model.error().message;
    each.pools[0].role = PoolRole::prefill;  // whose steps are never replayed from graphs
    EXPECT_TRUE(make_cost_model(each, each.pools[0]));
}

}  // namespace
}  // namespace replayd::cost
