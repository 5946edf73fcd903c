// Scenarios that do not fit, and the changes that the planner proposes: applied to the file as written, they fit.

#include "replay/memory/remedies.hpp"

#include <gtest/gtest.h>

#include <iostream>

#include "replay/memory/concurrency.hpp"
#include "tests/replay/memory/fixture.hpp"

namespace replayd {
namespace {

struct Misfit {
    const char* model;
    const char* gpu;
    const char* pool;
};

std::string toml_of(const Misfit& c) {
    return std::string("name = 's'\nmodel = '") + c.model + "'\ngpu = '" + c.gpu + "'\n[[pool]]\nrole = 'mixed'\n" +
           c.pool;
}

constexpr const char* k_wide = "parallel = { data = 8, expert = 8 }\nbatching = { max_batched_tokens = 16384 }\n";

const Misfit k_misfits[] = {
    {"Llama-3.1-8B", "RTX-4090", "batching = { max_batched_tokens = 65536 }\n"},
    {"Llama-3.1-8B", "RTX-4090", "kv = { memory_fraction = 0.6 }\n"},
    {"Llama-3.1-8B", "RTX-4090", "batching = { max_sequences = 4096 }\n"},
    {"Llama-3-70B", "H100-SXM", ""},
    {"Llama-3-70B", "H100-SXM", "weights = 'fp8'\nkv = { memory_fraction = 0.7 }\n"},
    {"Llama-3-70B", "A100-SXM-80GB", ""},
    {"Llama-3-70B", "A100-SXM-80GB", "kv = { memory_fraction = 0.5 }\nparallel = { tensor = 2 }\n"},
    {"Llama-3-70B", "RTX-4090", "parallel = { tensor = 4 }\n"},
    {"Llama-3-70B", "RTX-4090", ""},
    {"Llama-3-70B", "RTX-PRO-6000", ""},
    {"Llama-3-70B", "H20", ""},
    {"Llama-3-70B", "H200-SXM", ""},
    {"Qwen3-32B", "RTX-4090", ""},
    {"Qwen3-32B", "RTX-4090", "parallel = { tensor = 2 }\n"},
    {"Qwen3-32B", "A100-SXM-80GB", "batching = { max_batched_tokens = 524288 }\n"},
    {"Qwen3-8B", "RTX-4090", "batching = { max_batched_tokens = 131072, max_sequences = 1024 }\n"},
    {"Qwen3-30B-A3B", "RTX-4090", ""},
    {"Qwen3-30B-A3B", "RTX-4090", "parallel = { tensor = 2, expert = 2 }\n"},
    {"Qwen3-30B-A3B", "H100-SXM", "batching = { max_batched_tokens = 1000000 }\n"},
    {"Qwen3-235B-A22B", "H100-SXM", "parallel = { tensor = 4 }\n"},
    {"Qwen3-235B-A22B", "H100-SXM", ""},
    {"Qwen3-235B-A22B", "H20", "parallel = { tensor = 4, expert = 4 }\n"},
    {"Qwen3-235B-A22B", "H800", k_wide},
    {"Qwen3-Next-80B-A3B", "H100-SXM", ""},
    {"Qwen3-Next-80B-A3B", "H100-SXM", "parallel = { tensor = 2 }\nbatching = { max_batched_tokens = 262144 }\n"},
    {"DeepSeek-V3", "H800", "parallel = { tensor = 8 }\n"},
    {"DeepSeek-V3", "H20", "parallel = { tensor = 8, expert = 8 }\nkv = { memory_fraction = 0.8 }\n"},
    {"DeepSeek-V3", "H800", "parallel = { data = 16, expert = 16, redundant_experts = 64 }\n"},
    {"DeepSeek-V3", "H200-SXM", ""},
    {"DeepSeek-V3", "H800", "parallel = { data = 32, expert = 32 }\nbatching = { max_sequences = 4096 }\n"
                            "runtime = { moe = 'deepep_low_latency' }\n"},
    {"Step-3", "H800", "parallel = { tensor = 8 }\n"},
    {"Step-3", "H100-SXM", "parallel = { tensor = 4, expert = 4 }\nweights = 'fp8'\n"},
};

// Each of the cases does not fit and says by how much; every proposal for it, written into the file as settings,
// parses, passes every check and has blocks; the order is cheapest first.
TEST(Remedies, really_fit_when_applied) {
    int proposals = 0;
    for (const Misfit& c : k_misfits) {
        const std::string toml = toml_of(c);
        SCOPED_TRACE(toml);
        const auto scenario = parse_scenario(toml, "t.toml");
        ASSERT_TRUE(scenario) << scenario.error().message;
        const auto refused = plan_memory(*scenario);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Code::invalid_argument);
        const auto found = remedies(*scenario, 0);
        ASSERT_FALSE(found.empty());
        EXPECT_NE(refused.error().message.find("it fits with " + found[0].text()), std::string::npos);
        for (std::size_t i = 0; i < found.size(); ++i, ++proposals) {
            ParseOptions options;
            options.overrides = found[i].settings;
            const auto changed = parse_scenario(toml, "t.toml", options);
            ASSERT_TRUE(changed) << found[i].text() << ": " << changed.error().message;
            const auto plans = plan_memory(*changed);
            ASSERT_TRUE(plans) << found[i].text() << ": " << plans.error().message;
            EXPECT_EQ((*plans)[0].blocks, found[i].plan.blocks) << found[i].text();
            EXPECT_GE((*plans)[0].blocks, 1);
            EXPECT_LE(found[i > 0 ? i - 1 : 0].cost, found[i].cost);
        }
        std::cout << c.model << ' ' << c.gpu << ": " << refused.error().message << '\n';
    }
    EXPECT_GE(std::size(k_misfits), 30U);
    std::cout << proposals << " proposals\n";
}

// The message of the plainest case, whole: what is missing, what is largest, what to do.
TEST(Remedies, make_a_message_to_act_on) {
    const auto plans = plan_memory(scenario_of("Llama-3-70B", "H100-SXM", ""));
    ASSERT_FALSE(plans);
    EXPECT_EQ(plans.error().message,
              "pool \"mixed\": no room for one KV block on H100-SXM: 66847155815 bytes are missing from a budget of "
              "76515744153; the largest item is \"weights: dense FFN\" with 112742891520 bytes; it fits with "
              "mixed.weights=fp8 (303 blocks), or mixed.weights=int4 (6579 blocks), or mixed.parallel.pipeline=2 (1415 "
              "blocks), or mixed.parallel.tensor=2 (938 blocks)");
}

// A demand beyond the first block: the proposals give that many.
TEST(Remedies, give_the_blocks_that_are_asked_for) {
    const Scenario s = scenario_of("Llama-3.1-8B", "RTX-4090", "max_context = 32768\n");
    const auto found = remedies(s, 0, 10'000);
    ASSERT_FALSE(found.empty());
    for (const Remedy& remedy : found) EXPECT_GE(remedy.plan.fitting_blocks, 10'000) << remedy.text();
}

// One kv.dtype holds in both pools of a pair, so the proposal sets both.
TEST(Remedies, keep_a_pair_together) {
    const std::string toml =
        "name = 's'\nmodel = 'Llama-3.1-8B'\ngpu = 'RTX-4090'\n[[pool]]\nrole = 'prefill'\n[[pool]]\nrole = "
        "'decode'\n[transfer]\ngigabits_per_s = 100\nlatency_us = 1\n";
    const Scenario s = parse_scenario(toml, "t.toml").value();
    const auto found = remedies(s, 1, 2'500);
    bool seen = false;
    for (const Remedy& remedy : found) {
        if (remedy.text() != "prefill.kv.dtype=fp8 and decode.kv.dtype=fp8") continue;
        seen = true;
        ParseOptions options;
        options.overrides = remedy.settings;
        EXPECT_TRUE(parse_scenario(toml, "t.toml", options));
    }
    EXPECT_TRUE(seen);
}

// What no change cures is said so.
TEST(Remedies, admit_that_nothing_fits) {
    Scenario s = scenario_of("DeepSeek-V3", "H200-SXM", "");
    s.pools[0].gpu.memory = Bytes(1LL << 30);
    const GpuSpec small = s.pools[0].gpu;
    EXPECT_TRUE(remedies(s, 0, 1, std::span(&small, 1)).empty());
}

// Requests that a pool holds: blocks of prompt and output, the state in blocks, max_sequences, max_context.
TEST(Concurrency, names_what_limits_it) {
    const Scenario s = scenario_of("Llama-3.1-8B", "RTX-4090", "max_context = 32768\nreplicas = 3\n");
    const MemoryPlan p = plan_memory(s).value().at(0);
    const Concurrency many = concurrency(s.model, s.pools[0], p, {Tokens(1000), Tokens(24)});
    EXPECT_EQ(many.blocks_per_request, 64);
    EXPECT_EQ(many.per_scheduler, p.blocks / 64);
    EXPECT_EQ(many.pool, 3 * (p.blocks / 64));
    EXPECT_EQ(many.binding, "KV blocks");
    const Concurrency small = concurrency(s.model, s.pools[0], p, {Tokens(15), Tokens(1)});
    EXPECT_EQ(small.per_scheduler, 256);
    EXPECT_EQ(small.binding, "batching.max_sequences");
    EXPECT_EQ(concurrency(s.model, s.pools[0], p, {Tokens(32'768), Tokens(1)}).binding, "max_context");
    const Scenario hybrid = scenario_of("Qwen3-Next-80B-A3B", "H200-SXM", "parallel = { tensor = 2 }\n");
    const MemoryPlan h = plan_memory(hybrid).value().at(0);
    EXPECT_EQ(concurrency(hybrid.model, hybrid.pools[0], h, {Tokens(16), Tokens(0)}).blocks_per_request,
              1 + ceil_div(h.state_bytes_per_request.value, h.kv_bytes_per_block.value));
    Scenario orca = s;
    orca.pools[0].batching.policy = BatchPolicyKind::orca;
    EXPECT_EQ(concurrency(orca.model, orca.pools[0], p, {Tokens(16), Tokens(0)}).blocks_per_request, 2'048);
    Scenario window = s;
    window.model.attention.sliding_window = 1'024;
    EXPECT_EQ(concurrency(window.model, window.pools[0], p, {Tokens(10'000), Tokens(0)}).blocks_per_request, 65);
}

// A prefill pool holds the prompt, a decode pool prompt and output, each by its own plan.
TEST(Concurrency, is_each_roles_own) {
    const std::string toml =
        "name = 's'\nmodel = 'Llama-3.1-8B'\ngpu = 'H100-SXM'\n[[pool]]\nrole = 'prefill'\nparallel = { tensor "
        "= 2 }\n[[pool]]\nrole = 'decode'\n[transfer]\ngigabits_per_s = 100\nlatency_us = 1\n";
    const Scenario s = parse_scenario(toml, "t.toml").value();
    const auto plans = plan_memory(s).value();
    EXPECT_GT(plans[0].blocks, plans[1].blocks);
    EXPECT_EQ(concurrency(s.model, s.pools[0], plans[0], {Tokens(160), Tokens(160)}).blocks_per_request, 10);
    EXPECT_EQ(concurrency(s.model, s.pools[1], plans[1], {Tokens(160), Tokens(160)}).blocks_per_request, 20);
}

}  // namespace
}  // namespace replayd
