// Folders of vLLM runs as scenarios.

#include "daemon/replayctl/vllm_run.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/daemon/files/temporary_file.hpp"

namespace replayd::ctl {
namespace {

constexpr const char* k_engine =
    R"("tensor_parallel_size": 1, "data_parallel_size": 1, "max_num_seqs": 8, "enable_expert_parallel": false)";

/// The runs of a folder with one run whose engine_kwargs are `engine`.
Result<std::vector<VllmRun>> read(const std::string& engine, const std::string& model = "meta-llama/Llama-3.1-8B") {
    const files::TemporaryFolder folder;
    std::filesystem::create_directories(folder.path("run/vllm"));
    (void)folder.holding("run/vllm/meta.json", R"({"model": ")" + model + R"(", "engine_kwargs": {)" + engine + "}}");
    (void)folder.holding("run/config.json", R"({"nodes": [{"instances": [{"hardware": "RTX4090"}]}]})");
    (void)folder.holding("run/vllm/requests.jsonl", R"({"timestamp": 0, "input_length": 5, "output_length": 2})" "\n");
    auto runs = read_vllm_runs(folder.path(""), Catalog::built_in());
    if (runs) return runs;
    // Without the folder's own name, which is another one in each run of the test.
    std::string message = runs.error().message;
    if (const auto at = message.find(folder.path("")); at == 0) message.erase(0, folder.path("").size());
    return fail(runs.error().code, message);
}

// The flag is the user's; vLLM caches where it is not given.
TEST(VllmRun, takes_prefix_caching_from_the_run) {
    const std::string engine = std::string(k_engine) + R"(, "max_num_batched_tokens": 2048)";
    const auto caching = [&](const std::string& more) { return read(engine + more).value().front().toml; };
    EXPECT_NE(caching("").find("prefix_caching = true"), std::string::npos);
    EXPECT_NE(caching(R"(, "enable_prefix_caching": null)").find("prefix_caching = true"), std::string::npos);
    EXPECT_NE(caching(R"(, "enable_prefix_caching": false)").find("prefix_caching = false"), std::string::npos);
}

// As the server resolved it; vLLM schedules ahead where it does not say.
TEST(VllmRun, takes_asynchronous_scheduling_from_the_run) {
    const std::string engine = std::string(k_engine) + R"(, "max_num_batched_tokens": 2048)";
    const std::string without = R"(}, "resolved_config": {"scheduler_config": {"async_scheduling": false})";
    EXPECT_NE(read(engine).value().front().toml.find("asynchronous = true"), std::string::npos);
    EXPECT_NE(read(engine + without).value().front().toml.find("asynchronous = false"), std::string::npos);
}

TEST(VllmRun, names_what_a_run_lacks) {
    EXPECT_EQ(read(k_engine).error().message,
              "run/vllm/meta.json lacks /engine_kwargs/max_num_batched_tokens: expected it as vLLM's bench writes it");
    EXPECT_EQ(read(std::string(k_engine) + R"(, "max_num_batched_tokens": 2048)", "mine/Unknown-7B").error().message,
              "run: no entry of the catalog for model \"mine/Unknown-7B\": expected a name that begins with one of the "
              "built-in catalog's");
}

}  // namespace
}  // namespace replayd::ctl
