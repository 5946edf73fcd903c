// `replayctl cost step`.

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/afd_view.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/replayctl/afd_text.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/cost_command.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/scenario_source.hpp"
#include "daemon/replayctl/step_shape.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "replay/cost/cost_model.hpp"
#include "replay/cost/moe_strategy.hpp"
#include "replay/memory/afd_memory.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

Result<const PoolSpec*> pool_of(const Scenario& scenario, const std::string& name) {
    std::string names;
    for (const PoolSpec& pool : scenario.pools) {
        if (pool.name == name || (name.empty() && scenario.pools.size() == 1)) return &pool;
        names += (names.empty() ? "" : ", ") + pool.name;
    }
    if (name.empty()) {
        return fail(Code::invalid_argument,
                    "--pool is missing: scenario \"" + scenario.name + "\" has the pools " + names);
    }
    return fail(Code::invalid_argument,
                "--pool is \"" + name + "\": scenario \"" + scenario.name + "\" has the pools " + names);
}

/// Share of the data-sheet rate that `work` in `time` is; "" where there is none.
std::string share(double work, Duration time, double peak_per_s) {
    if (work <= 0 || time.value <= 0 || peak_per_s <= 0) return "";
    return percent_text(work / (static_cast<double>(time.value) * 1e-9) / peak_per_s);
}

/// "each" is what one run takes, "hidden" what of all runs passes while others compute, "total" the rest, which adds
/// up.
std::string render(const std::vector<OperatorCost>& costs, const GpuSpec& gpu) {
    TextTable table({{"operator"},
                     {"runs", Align::right},
                     {"each", Align::right},
                     {"hidden", Align::right},
                     {"total", Align::right},
                     {"GFLOP", Align::right},
                     {"MB", Align::right},
                     {"bf16 peak", Align::right},
                     {"bandwidth", Align::right},
                     {"provenance"}});
    Duration sum{0};
    for (const OperatorCost& cost : costs) {
        const Duration each((cost.total.value + cost.hidden.value) / cost.count);
        sum.value += cost.total.value;
        const std::string hidden = cost.hidden.value > 0 ? time_text(cost.hidden.value) : "";
        table.add_row({cost.name, count_text(cost.count), time_text(each.value), hidden, time_text(cost.total.value),
                       decimal_text(cost.flops * 1e-9, 2), decimal_text(cost.bytes * 1e-6, 2),
                       share(cost.flops, each, gpu.bf16_flops), share(cost.bytes, each, gpu.hbm_bytes_per_s),
                       cost.provenance});
    }
    table.add_rule();
    table.add_row({"step, all stages", "", "", "", time_text(sum.value), "", "", "", "", ""});
    return table.render();
}

json::array to_json(const std::vector<OperatorCost>& costs) {
    json::array items;
    for (const OperatorCost& cost : costs) {
        items.push_back(json::object{{"operator", cost.name},
                                     {"count", cost.count},
                                     {"fixed_ns", cost.fixed.value},
                                     {"compute_ns", cost.compute.value},
                                     {"memory_ns", cost.memory.value},
                                     {"hidden_ns", cost.hidden.value},
                                     {"total_ns", cost.total.value},
                                     {"flops", cost.flops},
                                     {"bytes", cost.bytes},
                                     {"provenance", cost.provenance}});
    }
    return items;
}

/// How the MoE layers were composed and why; nothing where no operator is composed.
std::string strategy_note(const Scenario& scenario, const PoolSpec& pool) {
    if (!scenario.model.moe || scenario.cost == CostSource::linear) return {};
    const auto strategy = cost::choose_moe_strategy(cost::moe_strategy_query(scenario.model, pool));
    return strategy ? "MoE layers: " + strategy->text() + '\n' : std::string();
}

/// A step in which every rank of the replica does the same.
Result<ExitStatus> afd_step(const Scenario& scenario, const PoolSpec& pool, const StepShape& shape,
                            const std::vector<std::string>& remarks, OutputMode mode) {
    const auto cost = afd::AfdCost::make(scenario.model, pool);
    if (!cost) return tl::unexpected(cost.error());
    const std::vector<StepShape> ranks(static_cast<std::size_t>((*cost)->ranks()), shape);
    const std::int64_t rows = afd::rows_of(afd::shape_of_stage(shape, pool.afd->stages, 0));
    if (auto ok = afd::check_capacity(rows, 0, stage_rows_max(pool)); !ok) return tl::unexpected(ok.error());
    for (const std::string& remark : remarks) note(remark);
    const afd::StepView view = (*cost)->view(ranks);
    const auto costs = (*cost)->explain(ranks);
    if (mode == OutputMode::json) {
        json::object out = api::items_json(to_json(costs));
        out["afd"] = api::afd_step_json(**cost, view, ranks, scenario.model.layers);
        return print(json::serialize(out) + '\n').map([] { return ExitStatus::ok; });
    }
    return print(render(costs, pool.gpu) + '\n' + afd_step_text(view)).map([] { return ExitStatus::ok; });
}

}  // namespace

Result<ExitStatus> cost_step(const CostStepOptions& options) {
    const auto groups = read_step(options.prefill, options.decode);
    if (!groups) return tl::unexpected(groups.error());
    const auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    const auto parsed = source->parse(options.scenario, options.what_if);
    if (!parsed) return tl::unexpected(parsed.error());
    const Scenario& scenario = *parsed;
    const auto pool = pool_of(scenario, options.pool);
    if (!pool) return tl::unexpected(pool.error());
    const auto shape = shape_of(*groups, (*pool)->drafts_max());
    if (!shape) return tl::unexpected(shape.error());
    const auto remarks = beyond_the_pool(*groups, scenario.model, **pool);
    if (is_priced_as_afd(scenario, **pool)) return afd_step(scenario, **pool, *shape, remarks, options.mode);
    const auto model = make_cost_model(scenario, **pool);
    if (!model) return tl::unexpected(model.error());
    for (const std::string& remark : remarks) note(remark);
    const auto costs = (*model)->explain(*shape);
    const std::string out = options.mode == OutputMode::json
                                ? json::serialize(api::items_json(to_json(costs))) + '\n'
                                : render(costs, (*pool)->gpu) + strategy_note(scenario, **pool);
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
