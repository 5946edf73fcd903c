#include "daemon/replayctl/plan_command.hpp"

#include <cstdlib>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/json_objects.hpp"
#include "daemon/api/run_view.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/scenario_source.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "replay/memory/afd_memory.hpp"
#include "replay/memory/concurrency.hpp"
#include "replay/memory/remedies.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

std::string heading(const Scenario& scenario, const MemoryPlan& plan, const PoolSpec& pool) {
    return "pool " + pool.name + " (" + std::string(api::role_name(pool.role)) + "): " + count_text(pool.replicas) +
           " × " + count_text(pool.gpus_per_replica()) + " " + pool.gpu.name + ", " + scenario.model.name + " with " +
           count_text(plan.parameters) + " parameters; bytes of the fullest GPU\n";
}

/// How far a pinned count is from what fits, and the fraction that would give it.
std::string pinned_text(const MemoryPlan& plan) {
    const std::int64_t more = plan.blocks - plan.fitting_blocks;
    const auto fraction = plan.fraction_for(plan.blocks);
    return "; pinned by kv.num_blocks, " + count_text(std::abs(more)) + (more > 0 ? " more" : " fewer") + " than the " +
           count_text(plan.fitting_blocks) + " that fit; " +
           (fraction ? "memory_fraction " + decimal_text(*fraction, 6) + " would give them"
                     : "no memory_fraction would give them");
}

std::string pool_table(const MemoryPlan& plan, const PoolSpec& pool, const std::string& gpu) {
    TextTable table(
        {{"item"}, {"memory", Align::right}, {"of device", Align::right}, {"bytes", Align::right}, {"basis"}, {"how"}});
    const auto add = [&](const std::string& name, Bytes bytes, const std::string& how, std::string_view basis = {}) {
        const double share = static_cast<double>(bytes.value) / static_cast<double>(plan.device.value);
        table.add_row(
            {name, bytes_text(bytes.value), percent_text(share), count_text(bytes.value), std::string(basis), how});
    };
    for (const MemoryItem& item : plan.items) add(item.name, item.bytes, item.formula, to_text(item.basis));
    table.add_rule();
    for (const MemoryItem& item : plan.outside) {
        add("beside the budget: " + item.name, item.bytes, item.formula, to_text(item.basis));
    }
    const Bytes kv = plan.kv_bytes_per_block * plan.blocks;
    add("used before KV cache", plan.used(), "sum of the lines above");
    add("budget", plan.budget, "device × memory_fraction " + decimal_text(pool.kv.memory_fraction, 2));
    add("device", plan.device, gpu);
    if (plan.kv_bytes_per_block == Bytes(0)) return table.render();
    add("KV cache", kv,
        count_text(plan.blocks) + " blocks × " + count_text(plan.kv_bytes_per_block.value) + " bytes" +
            (plan.pinned ? pinned_text(plan) : ""));
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

bool fits(const MemoryPlan& plan) { return plan.missing == Bytes(0) || plan.pinned; }

std::string what_if_text(const std::vector<std::string>& settings) {
    std::string out;
    for (const std::string& setting : settings) out += " --what-if " + setting;
    return out;
}

/// What there is no room for and what would make room, or what is left over.
std::string verdict(const Scenario& scenario, std::size_t index, const MemoryPlan& plan) {
    if (!fits(plan)) {
        std::string out = "does not fit: " + bytes_text(plan.missing.value) + " are missing to the first KV block";
        for (const Remedy& remedy : remedies(scenario, index)) {
            out += "\n  fits with" + what_if_text(remedy.settings) + ": " +
                   count_text(remedy.plan.fitting_blocks) + " blocks on " + count_text(remedy.gpus) + " GPUs a replica";
        }
        return out + '\n';
    }
    if (plan.margin() >= Bytes(0)) {
        return "beside budget, context and graphs " + bytes_text(plan.margin().value) + " stay free\n";
    }
    return "context and graphs need " + bytes_text(-plan.margin().value) +
           " more than memory_fraction leaves free: lower it, or set runtime.cuda_graphs=false\n";
}

std::string concurrency_text(const Scenario& scenario, const PoolSpec& pool, const MemoryPlan& plan,
                             const RequestLengths& lengths) {
    const Concurrency found = concurrency(scenario.model, pool, plan, lengths);
    return "requests of " + count_text(lengths.prompt.value) + " prompt and " + count_text(lengths.output.value) +
           " output tokens: " + count_text(found.per_scheduler) + " at once in a replica's rank, " +
           count_text(found.pool) + " in the pool; limited by " + found.binding + '\n';
}

json::array remedies_json(const Scenario& scenario, std::size_t index) {
    json::array list;
    for (const Remedy& remedy : remedies(scenario, index)) {
        json::array settings(remedy.settings.begin(), remedy.settings.end());
        list.push_back(json::object{{"settings", std::move(settings)},
                                    {"gpus", remedy.gpus},
                                    {"blocks", remedy.plan.fitting_blocks}});
    }
    return list;
}

/// The servers of an AFD pool, and the plan of an FFN GPU.
std::string ffn_text(const Scenario& scenario, const PoolSpec& pool, const MemoryPlan& plan) {
    const AfdSpec& afd = *pool.afd;
    const bool fits = plan.missing == Bytes(0);
    return "\nabove: an attention GPU. A replica has " + count_text(afd.attention_servers) +
           " attention servers with " + count_text(pool.parallel.gpus()) + " " + pool.gpu.name + " and " +
           count_text(afd.ffn_servers) + " FFN servers with " + count_text(afd.ffn.gpus()) + " " + afd.ffn.gpu.name +
           "; an FFN GPU of " + scenario.model.name + ":\n\n" + pool_table(plan, pool, afd.ffn.gpu.name) + '\n' +
           (fits ? bytes_text((plan.budget - plan.used()).value) + " of the budget stay free\n"
                 : "does not fit: " + bytes_text(plan.missing.value) +
                       " are missing; spread the experts over more FFN GPUs\n");
}

/// The plan of one pool in both forms.
struct PoolReport {
    std::string text;
    json::object object;
    bool fits = false;
};

PoolReport report(const Scenario& scenario, std::size_t index, const storage::PoolInfo& info,
                  const ScenarioOptions& options) {
    const PoolSpec& pool = scenario.pools[index];
    const MemoryPlan plan = plan_pool(scenario.model, pool);
    PoolReport out{heading(scenario, plan, pool) + '\n' + pool_table(plan, pool, pool.gpu.name) + '\n' +
                       totals(plan, pool) + verdict(scenario, index, plan),
                   api::plan_json(plan, info), fits(plan)};
    if (!out.fits) out.object["remedies"] = remedies_json(scenario, index);
    if (pool.afd) {
        const MemoryPlan ffn = plan_ffn(scenario.model, pool);
        out.text += ffn_text(scenario, pool, ffn);
        storage::PoolInfo ffn_info = info;
        ffn_info.gpu = pool.afd->ffn.gpu.name;
        out.object["ffn"] = api::plan_json(ffn, ffn_info);
        out.object["identity"] = afd_identity(*pool.afd);
        out.object["graph_key"] = afd_graph_key(*pool.afd);
        out.fits = out.fits && ffn.missing == Bytes(0);
    }
    if (options.prompt > 0) {
        const RequestLengths lengths{Tokens(options.prompt), Tokens(options.output)};
        const Concurrency found = concurrency(scenario.model, pool, plan, lengths);
        out.text += concurrency_text(scenario, pool, plan, lengths);
        out.object["concurrency"] = json::object{{"per_rank", found.per_scheduler},
                                                 {"pool", found.pool},
                                                 {"blocks_per_request", found.blocks_per_request},
                                                 {"binding", found.binding}};
    }
    return out;
}

}  // namespace

Result<ExitStatus> plan(const ScenarioOptions& options) {
    auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    ExitStatus status = ExitStatus::ok;
    std::string out;
    json::array items;
    for (const std::string& name : options.scenarios) {
        const auto scenario = source->parse(name, options.what_if);
        if (!scenario) return tl::unexpected(scenario.error());
        const auto pools = api::pools_of(*scenario);
        json::array plans;
        out += (out.empty() ? "" : "\n") + scenario->name + ": " + scenario->description + '\n';
        for (std::size_t i = 0; i < scenario->pools.size(); ++i) {
            PoolReport pool = report(*scenario, i, pools[i], options);
            if (!pool.fits) status = ExitStatus::bad_input;
            out += '\n' + pool.text;
            plans.push_back(std::move(pool.object));
        }
        items.push_back(json::object{{"scenario", scenario->name}, {"pools", std::move(plans)}});
    }
    if (options.mode == OutputMode::json) out = json::serialize(api::items_json(std::move(items))) + '\n';
    return print(out).map([status] { return status; });
}

}  // namespace replayd::ctl
