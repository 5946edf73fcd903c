// `replayctl cost` from outside: what it prints, and its exact words for wrong input.

#include <gtest/gtest.h>

#include <fstream>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "tests/daemon/files/temporary_file.hpp"
#include "tests/daemon/replayctl/replayctl_process.hpp"

namespace replayd::ctl {
namespace {

constexpr const char* k_scenario = "llama-3.1-8b-h100-mixed";
constexpr const char* k_two_pools = "llama-3.1-8b-h100-pd";

std::string gemm_file(const files::TemporaryFolder& folder) {
    return folder.holding("cost_gemm.csv", "gemm_dtype,m,n,k\nbfloat16,64,4096,4096\n");
}

// The rows come back with a price and its source.
TEST(CostCommand, eval_appends_price_and_provenance) {
    const files::TemporaryFolder folder;
    const Said said = run_replayctl({"cost", "eval", "--gpu", "h200_sxm", "--backend", "vllm", "--op", "gemm", "--in",
                                     gemm_file(folder), "--out", "-"});
    EXPECT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.out.rfind("gemm_dtype,m,n,k,predicted_us,provenance\nbfloat16,64,4096,4096,", 0), 0U) << said.out;
    EXPECT_NE(said.out.find(",law h100_sxm/vllm scaled to h200_sxm"), std::string::npos) << said.out;
}

// Every operator of the step with its source, and the sum.
TEST(CostCommand, step_lists_operators) {
    const Said said =
        run_replayctl({"cost", "step", "--scenario", k_scenario, "--prefill", "1x512+1024", "--decode", "8x2048"});
    EXPECT_EQ(said.status, 0) << said.err;
    for (const char* part : {"attention.prefill", "attention.decode", "lm_head", "step, all stages"}) {
        EXPECT_NE(said.out.find(part), std::string::npos) << part;
    }
}

// A step is priced whatever its size; where the pool's scheduler would never form it, a note says why.
TEST(CostCommand, step_says_what_no_batch_of_the_pool_is) {
    const auto notes = [](const std::string& option, const std::string& value) {
        const Said said = run_replayctl({"cost", "step", "--scenario", k_scenario, option, value});
        EXPECT_EQ(said.status, 0) << said.err;
        return said.err;
    };
    EXPECT_EQ(notes("--decode", "64x1024"), "");
    EXPECT_EQ(notes("--decode", "257x10"),
              "note: 257 sequences are more than a batch takes (batching.max_sequences is 256)\n");
    EXPECT_EQ(notes("--prefill", "2x8192"),
              "note: 16,384 new tokens are more than a step takes (batching.max_batched_tokens is 8,192)\n");
    EXPECT_EQ(notes("--decode", "1x131073"), "note: 131,073 tokens of context are more than max_context (131,072)\n");
    EXPECT_NE(notes("--decode", "64x100000").find("sequences of 100,000 tokens, not 64\n"), std::string::npos);
}

// A key of the scenario may be changed: fp8 KV halves what decode attention reads.
TEST(CostCommand, step_takes_changed_keys) {
    const auto bytes = [](const std::vector<std::string>& more) {
        std::vector<std::string> words = {"cost", "step", "--scenario", k_scenario, "--decode", "64x4096", "--json"};
        words.insert(words.end(), more.begin(), more.end());
        const Said said = run_replayctl(words);
        EXPECT_EQ(said.status, 0) << said.err;
        const auto answer = boost::json::parse(said.out);
        for (const auto& item : answer.at("items").as_array()) {
            if (item.at("operator") == "attention.decode") return item.at("bytes").to_number<double>();
        }
        return 0.0;
    };
    EXPECT_NEAR(bytes({"--what-if", "pool.kv.dtype=fp8"}) / bytes({}), 0.5, 0.02);
}

// A pipe is a table too.
TEST(CostCommand, eval_reads_standard_input) {
    const files::TemporaryFolder folder;
    const Said said = run_replayctl(
        {"cost", "eval", "--gpu", "h100_sxm", "--backend", "vllm", "--op", "gemm", "--in", "-", "--out", "-"}, {},
        gemm_file(folder));
    EXPECT_EQ(said.status, 0) << said.err;
    EXPECT_EQ(said.out.rfind("gemm_dtype,m,n,k,predicted_us,provenance\nbfloat16,64,4096,4096,", 0), 0U) << said.out;
}

// Tokens that travel while the other half of the batch computes: what is hidden stands beside what is left, and a run's
// time is both together.
TEST(CostCommand, step_says_what_overlap_hides) {
    const files::TemporaryFolder folder;
    const std::string scenario = folder.holding("overlap.toml", R"(name = "overlap"
model = "DeepSeek-V3"
gpu = "H800"
[transfer]
gigabits_per_s = 400
latency_us = 10
[[pool]]
role = "prefill"
[pool.parallel]
data = 32
expert = 32
[pool.runtime]
moe = "deepep_normal"
moe_overlap = "two_batch"
[[pool]]
role = "decode"
[pool.parallel]
data = 32
expert = 32
)");
    const std::vector<std::string> words = {"cost",   "step",    "--scenario", scenario,
                                            "--pool", "prefill", "--prefill",  "4x4096"};
    const Said said = run_replayctl(words);
    ASSERT_EQ(said.status, 0) << said.err;
    EXPECT_NE(said.out.find("hidden"), std::string::npos) << said.out;
    auto with_json = words;
    with_json.push_back("--json");
    const auto steps = boost::json::parse(run_replayctl(with_json).out).at("items").as_array();
    std::int64_t hidden = 0;
    for (const auto& step : steps) {
        const std::int64_t ns = step.at("hidden_ns").as_int64();
        EXPECT_TRUE(ns == 0 || step.at("operator") == "moe.dispatch" || step.at("operator") == "moe.combine");
        hidden += ns;
    }
    EXPECT_GT(hidden, 0);
}

// A folder without tables is said to be one; a folder with one gives its errors.
TEST(CostCommand, validate_prints_the_error_of_every_table) {
    const files::TemporaryFolder folder;
    const std::string tables = folder.path("tables/h100_sxm/vllm");
    ASSERT_EQ(std::system(("mkdir -p " + tables).c_str()), 0);
    std::ofstream(tables + "/gemm.csv") << "gemm_dtype,m,n,k,latency\nbfloat16,64,4096,4096,0.017\n";
    const Said said = run_replayctl({"cost", "validate", folder.path("tables"), "--json"});
    EXPECT_EQ(said.status, 0) << said.err;
    EXPECT_NE(said.out.find("\"system\":\"h100_sxm\",\"backend\":\"vllm\",\"table\":\"gemm\",\"rows\":1"),
              std::string::npos)
        << said.out;
}

// One picture per operator, in a folder that is made where it lacks; a folder that cannot be is refused by name.
TEST(CostCommand, validate_draws_a_picture_per_operator) {
    const files::TemporaryFolder folder;
    const std::string tables = folder.path("tables");
    const std::string plots = folder.path("plots/of/tables");
    ASSERT_EQ(std::system(("mkdir -p " + tables + "/h100_sxm/vllm " + tables + "/b200_sxm/sglang").c_str()), 0);
    for (const char* table : {"/h100_sxm/vllm/gemm.csv", "/b200_sxm/sglang/gemm.csv"}) {
        std::ofstream(tables + table) << "gemm_dtype,m,n,k,latency\nbfloat16,64,4096,4096,0.017\n";
    }
    const Said said = run_replayctl({"cost", "validate", tables, "--plots", plots});
    EXPECT_EQ(said.status, 0) << said.err;
    std::ifstream file(plots + "/gemm.svg");
    const std::string svg((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_EQ(svg.rfind("<svg xmlns=", 0), 0U) << svg;
    for (const char* part : {">gemm: median ", ">h100_sxm/vllm</text>", ">b200_sxm/sglang</text>", "</svg>\n"}) {
        EXPECT_NE(svg.find(part), std::string::npos) << part;
    }
    const Said refused = run_replayctl({"cost", "validate", tables, "--plots", "/proc/plots"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_EQ(refused.err.rfind("replayctl: --plots: cannot create the folder /proc/plots: ", 0), 0U) << refused.err;
}

struct Wrong {
    std::vector<std::string> arguments;
    std::string message;
};

// Each ends with status 2, nothing on standard output and one line on standard error.
TEST(CostCommand, tells_wrong_use_in_one_line) {
    const files::TemporaryFolder folder;
    const std::string gemms = gemm_file(folder);
    const std::vector<Wrong> cases = {
        {{"cost"},
         "a command is missing after replayctl cost: expected eval, step or validate; see replayctl cost --help"},
        {{"cost", "eval", "--backend", "vllm", "--op", "gemm", "--in", "x", "--out", "-"},
         "--gpu is missing: expected system of the tables, e.g. h100_sxm; see replayctl cost eval --help"},
        {{"cost", "eval", "--gpu", "h100", "--backend", "vllm", "--op", "gemm", "--in", gemms, "--out", "-"},
         "gpu: 'h100' is not known to the laws; write one of a100_sxm, h100_sxm, h200_sxm, h800_sxm, h20_sxm, "
         "b200_sxm, "
         "gb200, rtx_pro_6000_server, rtx_4090, b300_sxm, gb300, h100_pcie, h100_nvl, a100_pcie, l40s, l20, l4"},
        {{"cost", "eval", "--gpu", "h100_sxm", "--backend", "tgi", "--op", "gemm", "--in", gemms, "--out", "-"},
         "backend: 'tgi' is not one that laws were fitted for; write one of sglang, vllm, trtllm, nccl, replayd"},
        {{"cost", "step", "--scenario", k_scenario},
         "--prefill and --decode are missing: expected one of them, or both"},
        {{"cost", "step", "--scenario", k_scenario, "--prefill", "2"},
         "--prefill is \"2\": expected SEQUENCESxTOKENS or SEQUENCESxTOKENS+COMPUTED, e.g. 2x512 or 1x2048+4096, whole "
         "numbers up to 1,000,000,000"},
        {{"cost", "step", "--scenario", k_scenario, "--prefill", "2x512+"},
         "--prefill is \"2x512+\": expected SEQUENCESxTOKENS or SEQUENCESxTOKENS+COMPUTED, e.g. 2x512 or 1x2048+4096, "
         "whole numbers up to 1,000,000,000"},
        {{"cost", "step", "--scenario", k_scenario, "--decode", "64x0"},
         "--decode is \"64x0\": expected SEQUENCESxCONTEXT, e.g. 64x1024, whole numbers up to 1,000,000,000"},
        {{"cost", "step", "--scenario", k_scenario, "--decode", "100000x100000"},
         "--decode: 10,000,000,000 tokens of context in one step: expected at most 4,294,967,296"},
        {{"cost", "step", "--scenario", k_scenario, "--prefill", "1000000000x1000000000+1000000000"},
         "--prefill: 1,000,000,000,000,000,000 new tokens in one step: expected at most 4,194,304"},
        {{"cost", "step", "--scenario", k_scenario, "--prefill", "1x4000000+1000000000"},
         "--prefill: 4,008,000,002,000,000 pairs of tokens to attend to in one step: expected at most "
         "1,099,511,627,776"},
        {{"cost", "step", "--scenario", k_scenario, "--decode", "4x8", "--decode", "4x9"},
         "--decode is given more than once: expected one"},
        {{"cost", "step", "--scenario", k_scenario, "--decode"}, "--decode has no value: expected one after it"},
        {{"cost", "eval", "--gpu", "h100_sxm", "--backend", "vllm", "--op", "gemm", "--in", "/no/such.csv", "--out",
          "-"},
         "cannot read /no/such.csv: No such file or directory"},
        {{"cost", "eval", "--gpu", "h100_sxm", "--backend", "vllm", "--op", "gemm", "--in", "/", "--out", "-"},
         "/ is a folder: expected a file"},
        {{"cost", "step", "--scenario", k_two_pools, "--decode", "64x10"},
         "--pool is missing: scenario \"llama-3.1-8b-h100-pd\" has the pools prefill, decode"},
        {{"cost", "step", "--scenario", k_scenario, "--decode", "64x10", "--pool", "x"},
         "--pool is \"x\": scenario \"llama-3.1-8b-h100-mixed\" has the pools mixed"},
    };
    for (const Wrong& wrong : cases) {
        const Said said = run_replayctl(wrong.arguments);
        EXPECT_EQ(said.err, "replayctl: " + wrong.message + "\n");
        EXPECT_EQ(said.status, 2) << wrong.message;
        EXPECT_EQ(said.out, "");
    }
}

}  // namespace
}  // namespace replayd::ctl
