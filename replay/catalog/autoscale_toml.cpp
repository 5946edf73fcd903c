#include "replay/catalog/autoscale_toml.hpp"

#include <algorithm>
#include <array>

namespace replayd {
namespace {

constexpr std::array<Choice<AutoscaleRule>, 3> k_rules = {{{"utilisation", AutoscaleRule::utilisation},
                                                           {"queue", AutoscaleRule::queue},
                                                           {"objective", AutoscaleRule::objective}}};

/// Shares of what there is end at 1; requests and objectives do not.
constexpr double target_max(AutoscaleRule rule) { return rule == AutoscaleRule::utilisation ? 1 : 1e6; }

bool scales(const PoolSpec& pool) { return pool.autoscale.has_value(); }

void check_objectives(const Scenario& scenario, TableReader& root) {
    for (const PoolSpec& pool : scenario.pools) {
        if (!pool.autoscale || pool.autoscale->rule != AutoscaleRule::objective) continue;
        if (pool.role != PoolRole::decode && scenario.slo.ttft.value == 0) {
            root.missing("slo.ttft_ms", "an objective: pool " + pool.name + " follows autoscale.rule = \"objective\"");
        }
        if (pool.role != PoolRole::prefill && scenario.slo.tpot.value == 0) {
            root.missing("slo.tpot_ms", "an objective: pool " + pool.name + " follows autoscale.rule = \"objective\"");
        }
    }
}

}  // namespace

PoolAutoscaleSpec read_pool_autoscale(TableReader table, std::int64_t replicas) {
    PoolAutoscaleSpec out;
    out.rule = table.choice<AutoscaleRule>("rule", k_rules);
    out.target = table.real("target", {.above = 0, .most = target_max(out.rule)});
    out.replicas_min = table.integer("min", {1, replicas}, 1);
    out.replicas_start = table.integer("start", {out.replicas_min, replicas}, out.replicas_min);
    table.finish();
    return out;
}

AutoscaleSpec read_autoscale(TableReader table) {
    AutoscaleSpec out;
    out.interval = table.duration("interval_s", k_ns_per_s, Duration(k_ns_per_ms), out.interval);
    out.startup = table.duration("startup_s", k_ns_per_s, Duration(1), out.startup);
    out.down_after = table.duration("down_after_s", k_ns_per_s, Duration(0), out.down_after);
    out.take_over = table.duration("take_over_s", k_ns_per_s, Duration(1), Duration(0));
    table.finish();
    return out;
}

void check_autoscale(const Scenario& scenario, TableReader& root) {
    const bool any = std::any_of(scenario.pools.begin(), scenario.pools.end(), scales);
    if (root.has("autoscale") && !any) {
        root.refuse("autoscale", "a table",
                    "expected [pool.autoscale] in a pool with it: without a rule nothing is scaled");
    }
    check_objectives(scenario, root);
    if (scenario.autoscale.take_over.value == 0) return;
    const bool both = scenario.pools.size() == 2 && std::all_of(scenario.pools.begin(), scenario.pools.end(), scales);
    const bool alike = both && scenario.pools[0].gpu.name == scenario.pools[1].gpu.name &&
                       scenario.pools[0].gpus_per_replica() == scenario.pools[1].gpus_per_replica();
    if (alike) return;
    root.refuse("autoscale", "a table with take_over_s",
                "expected a prefill and a decode pool, both with [pool.autoscale] and replicas of as many GPUs of one "
                "kind: only such replicas can be exchanged");
}

}  // namespace replayd
