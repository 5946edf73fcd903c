#include "replay/catalog/slo_toml.hpp"

#include <algorithm>

#include "replay/catalog/spec_toml.hpp"

namespace replayd {
namespace {

constexpr IntegerRange k_priorities{-1'000'000, 1'000'000};

bool declared(const std::vector<SloClass>& classes, std::string_view name) {
    return std::any_of(classes.begin(), classes.end(), [&](const SloClass& known) { return known.name == name; });
}

SloClass read_slo_class(TableReader& table, const SloSpec& slo, const std::vector<SloClass>& before) {
    SloClass out;
    out.name = read_name(table, "name");
    if (declared(before, out.name)) {
        table.refuse("name", '"' + out.name + '"', "expected each class once");
    }
    out.priority = table.integer("priority", k_priorities, 0);
    out.slo = read_slo(table, slo);
    table.finish();
    return out;
}

}  // namespace

SloSpec read_slo(TableReader& table, const SloSpec& otherwise) {
    SloSpec out;
    out.ttft = table.duration("ttft_ms", k_ns_per_ms, Duration(0), otherwise.ttft);
    out.tpot = table.duration("tpot_ms", k_ns_per_ms, Duration(0), otherwise.tpot);
    return out;
}

std::vector<SloClass> read_slo_classes(TableReader& root, const SloSpec& slo) {
    std::vector<SloClass> classes;
    const TomlNode* node = root.any("slo_class");
    if (node == nullptr) return classes;
    if (node->kind != TomlNode::Kind::array) {
        root.refuse("slo_class", node->shown(), "expected [[slo_class]] with double brackets");
        return classes;
    }
    for (const TomlNode& element : node->children) {
        TableReader table(element, "slo_class", root.errors());
        classes.push_back(read_slo_class(table, slo, classes));
    }
    if (classes.empty() || declared(classes, k_default_slo_class)) return classes;
    std::int64_t last = classes.front().priority;
    for (const SloClass& known : classes) last = std::max(last, known.priority);
    classes.push_back({std::string(k_default_slo_class), last + 1, slo});
    return classes;
}

void check_queues(const Scenario& scenario, TableReader& root) {
    if (!scenario.slo_classes.empty()) return;
    for (const PoolSpec& pool : scenario.pools) {
        if (pool.batching.queue != QueueOrder::priority) continue;
        root.refuse("pool", "queue is \"priority\" in \"" + pool.name + '"',
                    "expected at least one [[slo_class]] with the priority of its requests");
        return;
    }
}

}  // namespace replayd
