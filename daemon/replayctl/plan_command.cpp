#include "daemon/replayctl/plan_command.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/json_objects.hpp"
#include "daemon/api/run_view.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/scenario_source.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

std::string heading(const Scenario& scenario, const MemoryPlan& plan, const PoolSpec& pool) {
    return "pool " + pool.name + " (" + std::string(api::role_name(pool.role)) + "): " + count_text(pool.replicas) +
           " × " + count_text(pool.parallel.gpus()) + " " + pool.gpu.name + ", " + scenario.model.name + " with " +
           count_text(plan.parameters) + " parameters; bytes of the fullest GPU\n";
}

std::string pool_table(const MemoryPlan& plan, const PoolSpec& pool) {
    TextTable table({{"item"}, {"memory", Align::right}, {"of device", Align::right}, {"bytes", Align::right}, {"how"}});
    const auto add = [&](const std::string& name, Bytes bytes, const std::string& how) {
        const double share = static_cast<double>(bytes.value) / static_cast<double>(plan.device.value);
        table.add_row({name, bytes_text(bytes.value), percent_text(share), count_text(bytes.value), how});
    };
    for (const MemoryItem& item : plan.items) add(item.name, item.bytes, item.formula);
    table.add_rule();
    const Bytes kv = plan.kv_bytes_per_block * plan.blocks;
    add("used before KV cache", plan.used(), "sum of the lines above");
    add("budget", plan.budget, "device × memory_fraction " + decimal_text(pool.kv.memory_fraction, 2));
    add("device", plan.device, pool.gpu.name);
    add("KV cache", kv,
        count_text(plan.blocks) + " blocks × " + count_text(plan.kv_bytes_per_block.value) + " bytes" +
            (plan.pinned ? "; pinned by kv.num_blocks, " + count_text(plan.fitting_blocks) + " would fit" : ""));
    return table.render();
}

std::string totals(const MemoryPlan& plan, const PoolSpec& pool) {
    std::string out = "KV cache of a replica: " + count_text(plan.blocks) + " blocks of " +
                      count_text(pool.kv.block.value) + " tokens = " +
                      count_text(plan.blocks * pool.kv.block.value) + " tokens; " +
                      count_text(plan.kv_bytes_per_token.value) + " bytes per token on one GPU";
    if (plan.state_bytes_per_request > Bytes(0)) {
        out += ", " + count_text(plan.state_bytes_per_request.value) + " bytes of state per request";
    }
    return out + '\n';
}

}  // namespace

Result<ExitStatus> plan(const ScenarioOptions& options) {
    auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    const auto scenarios = source->load_all(options.scenarios);
    if (!scenarios) return tl::unexpected(scenarios.error());
    std::string out;
    json::array items;
    for (const stream::LibraryScenario& entry : *scenarios) {
        const Scenario& scenario = entry.scenario();
        const auto pools = api::pools_of(scenario);
        json::array plans;
        if (!out.empty()) out += '\n';
        out += scenario.name + ": " + scenario.description + '\n';
        for (std::size_t i = 0; i < scenario.pools.size(); ++i) {
            const MemoryPlan& memory = entry.compiled->plans[i];
            plans.push_back(api::plan_json(memory, pools[i]));
            out += '\n' + heading(scenario, memory, scenario.pools[i]) + '\n' + pool_table(memory, scenario.pools[i]) +
                   '\n' + totals(memory, scenario.pools[i]);
        }
        items.push_back(json::object{{"scenario", scenario.name}, {"pools", std::move(plans)}});
    }
    if (options.mode == OutputMode::json) out = json::serialize(api::items_json(std::move(items))) + '\n';
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
