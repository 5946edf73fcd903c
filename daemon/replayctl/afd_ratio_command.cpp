#include "daemon/replayctl/afd_ratio_command.hpp"

#include <algorithm>
#include <optional>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/scenario_source.hpp"
#include "daemon/replayctl/step_shape.hpp"
#include "daemon/replayctl/text_table.hpp"
#include "replay/catalog/pool_check.hpp"
#include "replay/cost/afd/afd_cost.hpp"
#include "replay/memory/afd_memory.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

/// One number of servers of each role, priced.
struct Point {
    std::int64_t attention = 0;
    std::int64_t ffn = 0;
    std::int64_t gpus = 0;
    afd::StepView view;
    double tokens_per_gpu_s = 0;
    bool fits = false;  ///< KV of the load on the attention GPUs, experts on the FFN GPUs
    bool on_time = true;

    [[nodiscard]] bool usable() const { return fits && on_time; }
};

/// In all, so that every rank of the fewest servers can be priced.
Result<SequenceGroup> load_of(const std::string& text) {
    auto load = read_sequences("--decode", text, "SEQUENCESxCONTEXT of one replica, e.g. 6144x4096");
    if (!load) return load;
    if (auto priced = shape_of(StepGroups{{}, *load}, 0); !priced) return tl::unexpected(priced.error());
    return load;
}

Result<const PoolSpec*> afd_pool(const Scenario& scenario, const std::string& name) {
    for (const PoolSpec& pool : scenario.pools) {
        if (pool.afd && (name.empty() || pool.name == name)) return &pool;
    }
    return fail(Code::invalid_argument, name.empty() ? "scenario \"" + scenario.name + "\" has no pool with [pool.afd]"
                                                     : "--pool is \"" + name + "\": scenario \"" + scenario.name +
                                                           "\" has no such pool with [pool.afd]");
}

/// `pool` with other numbers of servers of the same size.
PoolSpec resized(const PoolSpec& pool, std::int64_t attention, std::int64_t ffn) {
    PoolSpec out = pool;
    out.parallel.data = pool.parallel.data / pool.afd->attention_servers * attention;
    out.afd->attention_servers = attention;
    out.afd->ffn.expert = pool.afd->ffn.expert * ffn / pool.afd->ffn_servers;
    out.afd->ffn_servers = ffn;
    out.afd->faults.clear();
    return out;
}

/// Nothing where such a pool cannot exist (experts that do not spread, say).
Result<std::optional<Point>> price(const Scenario& scenario, const PoolSpec& pool, const SequenceGroup& load,
                                   Duration tpot) {
    const AfdSpec& afd = *pool.afd;
    if (afd.ffn.expert == 0 || !pool_problems(pool, scenario.model).empty()) return std::optional<Point>();
    const auto cost = afd::AfdCost::make(scenario.model, pool);
    if (!cost) return tl::unexpected(cost.error());
    std::vector<StepShape> ranks(static_cast<std::size_t>(pool.parallel.data));
    std::int64_t most = 0;
    for (std::int64_t i = 0; i < pool.parallel.data; ++i) {
        StepShape& rank = ranks[static_cast<std::size_t>(i)];
        rank.decode_sequences = rank.sampled_sequences = afd::requests_of_stage(load.sequences, pool.parallel.data, i);
        rank.decode_context = rank.decode_sequences * load.tokens;
        most = std::max(most, rank.decode_sequences);
    }
    Point out;
    out.attention = afd.attention_servers;
    out.ffn = afd.ffn_servers;
    out.gpus = pool.gpus_per_replica();
    out.view = (*cost)->view(ranks);
    out.tokens_per_gpu_s =
        static_cast<double>(load.sequences) / static_cast<double>(out.gpus) / to_seconds(out.view.total);
    const MemoryPlan plan = plan_pool(scenario.model, pool);
    const std::int64_t blocks = most * ceil_div(load.tokens, pool.kv.block.value);
    out.fits = plan.missing == Bytes(0) && plan.blocks >= blocks && plan_ffn(scenario.model, pool).missing == Bytes(0);
    out.on_time = tpot.value == 0 || out.view.total <= tpot;
    return std::optional<Point>(std::move(out));
}

std::string name_of(const Point& point) {
    return count_text(point.attention) + "A" + count_text(point.ffn) + "F";
}

const Point* best_of(const std::vector<Point>& points) {
    const Point* best = nullptr;
    for (const Point& point : points) {
        if (point.usable() && (best == nullptr || point.tokens_per_gpu_s > best->tokens_per_gpu_s)) best = &point;
    }
    return best;
}

std::string render(const std::vector<Point>& points, const Point* best) {
    TextTable table({{"servers"},
                     {"GPUs", Align::right},
                     {"step", Align::right},
                     {"tokens/s/GPU", Align::right},
                     {"attention idle", Align::right},
                     {"FFN idle", Align::right},
                     {"network adds", Align::right},
                     {""}});
    for (const Point& point : points) {
        std::string note = !point.fits ? "no room" : point.on_time ? "" : "too slow";
        if (&point == best) note = "best";
        table.add_row(
            {name_of(point), count_text(point.gpus), time_text(point.view.total.value),
             decimal_text(point.tokens_per_gpu_s, 0), percent_text(point.view.idle_share(afd::k_attention)),
             percent_text(point.view.idle_share(afd::k_ffn)), time_text(point.view.exposed_network().value), note});
    }
    return table.render() + (best != nullptr
                                 ? name_of(*best) + " balances the load: " + decimal_text(best->tokens_per_gpu_s, 0) +
                                       " tokens per GPU and second on " + count_text(best->gpus) + " GPUs\n"
                                 : "no number of servers holds the load in time\n");
}

json::object to_json(const std::vector<Point>& points, const Point* best) {
    json::array items;
    for (const Point& point : points) {
        items.push_back(json::object{{"attention_servers", point.attention},
                                     {"ffn_servers", point.ffn},
                                     {"gpus", point.gpus},
                                     {"step_ns", point.view.total.value},
                                     {"tokens_per_gpu_s", point.tokens_per_gpu_s},
                                     {"attention_idle", point.view.idle_share(afd::k_attention)},
                                     {"ffn_idle", point.view.idle_share(afd::k_ffn)},
                                     {"exposed_network_ns", point.view.exposed_network().value},
                                     {"fits", point.fits},
                                     {"on_time", point.on_time},
                                     {"best", &point == best}});
    }
    return {{"items", std::move(items)}};
}

}  // namespace

Result<ExitStatus> afd_ratio(const AfdRatioOptions& options) {
    const auto load = load_of(options.decode);
    if (!load) return tl::unexpected(load.error());
    const auto source = ScenarioSource::create(options.catalogs);
    if (!source) return tl::unexpected(source.error());
    const auto entry = source->load(options.scenario);
    if (!entry) return tl::unexpected(entry.error());
    const Scenario& scenario = entry->scenario();
    const auto pool = afd_pool(scenario, options.pool);
    if (!pool) return tl::unexpected(pool.error());
    const Duration tpot =
        options.tpot_ms > 0 ? Duration(static_cast<std::int64_t>(options.tpot_ms * k_ns_per_ms)) : scenario.slo.tpot;
    std::vector<Point> points;
    for (std::int64_t ffn = 1; ffn <= options.ffn_servers_max; ++ffn) {
        for (std::int64_t attention = 1; attention <= options.attention_servers_max; ++attention) {
            auto point = price(scenario, resized(**pool, attention, ffn), *load, tpot);
            if (!point) return tl::unexpected(point.error());
            if (*point) points.push_back(std::move(**point));
        }
    }
    const Point* best = best_of(points);
    const std::string out =
        options.mode == OutputMode::json ? json::serialize(to_json(points, best)) + '\n' : render(points, best);
    return print(out).map([&] { return best != nullptr ? ExitStatus::ok : ExitStatus::failed; });
}

}  // namespace replayd::ctl
