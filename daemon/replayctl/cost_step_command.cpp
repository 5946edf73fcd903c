// `replayctl cost step`.

#include <charconv>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/api/afd_view.hpp"
#include "daemon/api/json_objects.hpp"
#include "daemon/replayctl/afd_text.hpp"
#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/cost_command.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/scenario_source.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "replay/cost/cost_model.hpp"
#include "replay/memory/afd_memory.hpp"
#include "replay/cost/moe_strategy.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

constexpr std::int64_t k_count_max = 1'000'000;

std::optional<std::int64_t> whole(std::string_view text, std::int64_t lowest) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool read = error == std::errc() && end == text.data() + text.size();
    if (!read || value < lowest || value > k_count_max) return std::nullopt;
    return value;
}

tl::unexpected<Error> wrong(const std::string& option, const std::string& value, const std::string& expected) {
    return fail(Code::invalid_argument, option + " is \"" + value + "\": expected " + expected);
}

/// "2x512+1024" into the shape: sequences × new tokens, after so many computed ones.
Result<void> add_prefill(const std::string& text, StepShape& shape) {
    const std::string_view all = text;
    const std::size_t times = all.find('x');
    const std::size_t plus = all.find('+');
    const bool split = times != std::string_view::npos;
    const auto sequences = split ? whole(all.substr(0, times), 1) : std::nullopt;
    const auto tokens = split ? whole(all.substr(times + 1, plus - times - 1), 1) : std::nullopt;
    const auto before = plus == std::string_view::npos ? 0 : whole(all.substr(plus + 1), 0);
    if (!sequences || !tokens || !before) {
        return wrong("--prefill", text, "SEQUENCESxTOKENS or SEQUENCESxTOKENS+COMPUTED, e.g. 2x512 or 1x2048+4096");
    }
    shape.prefill_sequences = *sequences;
    shape.prefill_tokens = *sequences * *tokens;
    shape.prefill_pairs = *sequences * (*tokens * *before + *tokens * (*tokens + 1) / 2);
    shape.prefill_context = *sequences * (*tokens + *before);
    shape.prefill_squares = *sequences * *tokens * *tokens;
    shape.prefill_past_tiles = *sequences * ((*before + k_kv_tile_tokens - 1) / k_kv_tile_tokens);
    shape.sampled_sequences += *sequences;
    return {};
}

Result<void> add_decode(const std::string& text, StepShape& shape) {
    const std::string_view all = text;
    const std::size_t times = all.find('x');
    const bool split = times != std::string_view::npos;
    const auto sequences = split ? whole(all.substr(0, times), 1) : std::nullopt;
    const auto context = split ? whole(all.substr(times + 1), 1) : std::nullopt;
    if (!sequences || !context) return wrong("--decode", text, "SEQUENCESxCONTEXT, e.g. 64x1024");
    shape.decode_sequences = *sequences;
    shape.decode_context = *sequences * *context;
    shape.sampled_sequences += *sequences;
    return {};
}

Result<StepShape> shape_of(const CostStepOptions& options) {
    if (options.prefill.empty() && options.decode.empty()) {
        return fail(Code::invalid_argument, "--prefill and --decode are missing: expected one of them, or both");
    }
    StepShape shape;
    if (!options.prefill.empty()) {
        if (auto added = add_prefill(options.prefill, shape); !added) return tl::unexpected(added.error());
    }
    if (!options.decode.empty()) {
        if (auto added = add_decode(options.decode, shape); !added) return tl::unexpected(added.error());
    }
    return shape;
}

/// Each decode verifies as many drafts as its pool makes.
void add_drafts(std::int64_t drafts, StepShape& shape) {
    shape.draft_tokens = drafts * shape.decode_sequences;
    shape.draft_pairs = drafts * shape.decode_context;
    shape.sampled_sequences += shape.draft_tokens;
}

Result<const PoolSpec*> pool_of(const Scenario& scenario, const std::string& name) {
    std::string names;
    for (const PoolSpec& pool : scenario.pools) {
        if (pool.name == name || (name.empty() && scenario.pools.size() == 1)) return &pool;
        names += (names.empty() ? "" : ", ") + pool.name;
    }
    if (name.empty()) {
        return fail(Code::invalid_argument, "--pool is missing: scenario \"" + scenario.name + "\" has the pools " + names);
    }
    return fail(Code::invalid_argument,
                "--pool is \"" + name + "\": scenario \"" + scenario.name + "\" has the pools " + names);
}

/// Share of the data-sheet rate that `work` in `time` is; "" where there is none.
std::string share(double work, Duration time, double peak_per_s) {
    if (work <= 0 || time.value <= 0 || peak_per_s <= 0) return "";
    return percent_text(work / (static_cast<double>(time.value) * 1e-9) / peak_per_s);
}

/// "each" is what one run takes, "hidden" what of all runs passes while others compute, "total" the rest, which adds up.
std::string render(const std::vector<OperatorCost>& costs, const GpuSpec& gpu) {
    TextTable table({{"operator"}, {"runs", Align::right}, {"each", Align::right}, {"hidden", Align::right},
                     {"total", Align::right}, {"GFLOP", Align::right}, {"MB", Align::right}, {"bf16 peak", Align::right},
                     {"bandwidth", Align::right}, {"provenance"}});
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
Result<ExitStatus> afd_step(const Scenario& scenario, const PoolSpec& pool, const StepShape& shape, OutputMode mode) {
    const auto cost = afd::AfdCost::make(scenario.model, pool);
    if (!cost) return tl::unexpected(cost.error());
    const std::vector<StepShape> ranks(static_cast<std::size_t>((*cost)->ranks()), shape);
    const std::int64_t rows = afd::rows_of(afd::shape_of_stage(shape, pool.afd->stages, 0));
    if (auto ok = afd::check_capacity(rows, 0, stage_rows_max(pool)); !ok) return tl::unexpected(ok.error());
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
    auto shape = shape_of(options);
    if (!shape) return tl::unexpected(shape.error());
    const auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    const auto entry = source->load(options.scenario);
    if (!entry) return tl::unexpected(entry.error());
    const Scenario& scenario = entry->scenario();
    const auto pool = pool_of(scenario, options.pool);
    if (!pool) return tl::unexpected(pool.error());
    add_drafts((*pool)->drafts_max(), *shape);
    if (is_priced_as_afd(scenario, **pool)) return afd_step(scenario, **pool, *shape, options.mode);
    const auto model = make_cost_model(scenario, **pool);
    if (!model) return tl::unexpected(model.error());
    const auto costs = (*model)->explain(*shape);
    const std::string out = options.mode == OutputMode::json
                                ? json::serialize(api::items_json(to_json(costs))) + '\n'
                                : render(costs, (*pool)->gpu) + strategy_note(scenario, **pool);
    return print(out).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
