#include "replay/catalog/speculation_toml.hpp"

#include <array>
#include <string>

namespace replayd {
namespace {

/// vLLM verifies at most a handful; beyond 16 no published deployment goes.
constexpr IntegerRange k_drafts{1, 16};
constexpr std::array<Choice<DraftMethod>, 2> k_methods = {{{"mtp", DraftMethod::mtp}, {"ngram", DraftMethod::ngram}}};

}  // namespace

SpeculationSpec read_speculation(TableReader& table) {
    SpeculationSpec out;
    out.method = table.choice<DraftMethod>("method", k_methods, out.method);
    out.tokens = table.integer("tokens", k_drafts, out.tokens);
    out.acceptance = table.real("acceptance", {0, 1, true});
    table.finish();
    return out;
}

std::vector<PoolProblem> speculation_problems(const PoolSpec& pool, const ModelSpec& model) {
    if (!pool.speculation) return {};
    std::vector<PoolProblem> problems;
    const auto refuse = [&](PoolTable table, std::string key, std::string value, const std::string& expected,
                            const std::string& why) {
        problems.push_back(
            {table, std::move(key), std::move(value), "expected " + expected + " with [pool.speculation]" + why});
    };
    if (pool.role == PoolRole::prefill) {
        refuse(PoolTable::pool, "role", "\"prefill\"", "\"mixed\" or \"decode\"",
               ": a prefill pool makes one token of a request");
    }
    if (pool.batching.policy != BatchPolicyKind::vllm_v1) {
        refuse(PoolTable::batching, "policy", "another policy", "\"vllm_v1\"", ", the policy that schedules drafts");
    }
    if (pool.batching.asynchronous) {
        refuse(PoolTable::batching, "asynchronous", "true", "false",
               ": what a step makes is known when it ends, not one step ahead");
    }
    if (pool.parallel.pipeline != 1) {
        refuse(PoolTable::parallel, "pipeline", std::to_string(pool.parallel.pipeline), "1",
               ", whose last stage drafts for the next step");
    }
    if (pool.afd) refuse(PoolTable::pool, "afd", "there", "none", ", whose stages are priced by decodes of one token");
    if (pool.speculation->method == DraftMethod::mtp && pool.runtime.draft_layers == 0) {
        const bool has_layers = model.mtp_layers > 0;
        refuse(PoolTable::runtime, "draft_layers", "0",
               has_layers ? "1 to " + std::to_string(model.mtp_layers) : "above 0",
               has_layers ? ", the layers that draft"
                          : ", and " + model.name + " has no such layers: set method = \"ngram\"");
    }
    return problems;
}

}  // namespace replayd
