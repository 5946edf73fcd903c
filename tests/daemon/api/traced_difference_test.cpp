// What the hello says of the traced server, held against the scenario that replays it.

#include "daemon/api/traced_difference.hpp"

#include <gtest/gtest.h>

#include "replay/catalog/scenario_toml.hpp"

namespace replayd::api {
namespace {

Scenario mixed() {
    return *parse_scenario(built_in_scenarios().at("llama-3.1-8b-h100-mixed"), "test");
}

using Lines = std::vector<std::string>;

TEST(TracedDifference, nothing_is_said_of_a_server_that_fits_or_is_not_known) {
    EXPECT_EQ(traced_differences("", mixed()), Lines{});
    EXPECT_EQ(traced_differences(R"({"engine":"vllm"})", mixed()), Lines{});
    EXPECT_EQ(traced_differences(R"({"model":"meta-llama/Llama-3.1-8B-Instruct","gpu":"NVIDIA H100 80GB HBM3","gpus":4,
        "settings":{"--max-num-seqs":"256","tensor_parallel_size":"1","gpu_memory_utilization":"0.9",
                    "enable_prefix_caching":"False","served-model-name":"chat"}})", mixed()), Lines{});
}

TEST(TracedDifference, each_fact_that_differs_is_named_with_both_values) {
    EXPECT_EQ(
        traced_differences(R"({"model":"Qwen3-8B","gpu":"A100-SXM4-80GB","gpus":8,
        "settings":{"max-num-seqs":"128","enable_prefix_caching":"true","block_size":"32"}})",
                           mixed()),
        (Lines{
            "model was \"Qwen3-8B\" where the trace comes from, and is \"Llama-3.1-8B\" here",
            "gpu was \"A100-SXM4-80GB\" where the trace comes from, and is \"H100-SXM\" here",
            "gpus was 8 where the trace comes from, and is 4 here",
            "max_num_seqs was 128 where the trace comes from, and is 256 here (batching.max_sequences of pool mixed)",
            "enable_prefix_caching was true where the trace comes from, and is 0 here (kv.prefix_caching of pool "
            "mixed)",
            "block_size was 32 where the trace comes from, and is 16 here (kv.block of pool mixed)"}));
}

}  // namespace
}  // namespace replayd::api
