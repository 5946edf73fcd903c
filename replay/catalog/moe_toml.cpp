#include "replay/catalog/moe_toml.hpp"

#include <array>
#include <cmath>
#include <string>

namespace replayd {
namespace {

constexpr std::array<Choice<RoutingLaw>, 3> k_laws = {
    {{"uniform", RoutingLaw::uniform}, {"zipf", RoutingLaw::zipf}, {"histogram", RoutingLaw::histogram}}};
constexpr RealRange k_exponent{0, 4};
constexpr RealRange k_share{0, 1, true};

/// One row of counts, at least one of them above 0. False after a refusal.
bool read_row(TableReader& table, std::string_view key, const TomlNode& row, const ModelSpec& model,
              ExpertCounts& out) {
    const auto experts = static_cast<std::size_t>(model.moe->experts);
    if (row.kind != TomlNode::Kind::array || row.children.size() != experts) {
        const std::string shown =
            row.kind == TomlNode::Kind::array ? std::to_string(row.children.size()) + " counts" : row.shown();
        table.refuse(key, shown,
                     "expected one count for each of the " + std::to_string(experts) + " experts of " + model.name);
        return false;
    }
    double sum = 0;
    for (const TomlNode& node : row.children) {
        double count = -1;
        if (node.kind == TomlNode::Kind::integer) count = static_cast<double>(node.integer);
        if (node.kind == TomlNode::Kind::real) count = node.real;
        if (!(count >= 0) || !std::isfinite(count)) {
            table.refuse(key, node.shown(), "expected counts of 0 or more");
            return false;
        }
        out.push_back(count);
        sum += count;
    }
    if (sum > 0) return true;
    table.refuse(key, "all 0", "expected a count above 0 for at least one expert");
    return false;
}

/// An array of counts, or an array of such arrays, one per layer.
std::vector<ExpertCounts> read_counts(TableReader& table, std::string_view key, const ModelSpec& model) {
    std::vector<ExpertCounts> layers;
    const TomlNode* node = table.any(key);
    if (node == nullptr) return layers;
    const bool nested = node->kind == TomlNode::Kind::array && !node->children.empty() &&
                        node->children.front().kind == TomlNode::Kind::array;
    if (!nested) {
        if (!read_row(table, key, *node, model, layers.emplace_back())) layers.clear();
        return layers;
    }
    for (const TomlNode& row : node->children) {
        if (!read_row(table, key, row, model, layers.emplace_back())) return {};
    }
    return layers;
}

/// Refuses `key` where it is written and `wanted` does not hold.
void belongs(TableReader& table, std::string_view key, bool wanted, std::string_view to) {
    const TomlNode* value = table.any(key);
    if (value == nullptr || wanted) return;
    const bool list = value->kind == TomlNode::Kind::array;
    table.refuse(key, list ? "an array" : value->shown(),
                 "belongs to " + std::string(to) + "; remove it or change that");
}

void read_histogram(TableReader& table, const ModelSpec& model, MoeRoutingSpec& out) {
    if (!table.has("counts")) {
        table.any("counts");
        table.missing("counts", "an array of one count per expert, or one such array per layer");
        return;
    }
    out.counts = read_counts(table, "counts", model);
    if (!out.eplb) return;
    out.plan_counts = read_counts(table, "plan_counts", model);
    if (table.errors().any() || out.plan_counts.empty() || out.plan_counts.size() == out.counts.size()) return;
    table.refuse("plan_counts", std::to_string(out.plan_counts.size()) + " layers",
                 "expected as many layers as counts has, " + std::to_string(out.counts.size()));
}

}  // namespace

MoeRoutingSpec read_moe_routing(TableReader table, const ModelSpec& model) {
    MoeRoutingSpec out;
    out.law = table.choice<RoutingLaw>("law", k_laws);
    if (!model.moe) {
        table.refuse("law", '"' + table.text("law") + '"',
                     "expected no [moe_routing]: " + model.name + " has no experts");
        return out;
    }
    const bool zipf = out.law == RoutingLaw::zipf;
    const bool histogram = out.law == RoutingLaw::histogram;
    out.eplb = table.flag("eplb", false);
    if (zipf) out.exponent = table.real("exponent", k_exponent);
    if (zipf && out.eplb) out.plan_drift = table.real("plan_drift", k_share, 0.0);
    if (histogram) read_histogram(table, model, out);
    belongs(table, "exponent", zipf, "law = \"zipf\"");
    belongs(table, "counts", histogram, "law = \"histogram\"");
    belongs(table, "plan_drift", zipf && out.eplb, "law = \"zipf\" with eplb = true");
    belongs(table, "plan_counts", histogram && out.eplb, "law = \"histogram\" with eplb = true");
    table.finish();
    return out;
}

MoeBackend automatic_moe_backend(PoolRole role, const ParallelSpec& parallel) {
    const bool all_hold_all = parallel.expert == 1 || (parallel.data == 1 && parallel.expert == parallel.tensor);
    if (all_hold_all) return MoeBackend::tensor;
    return role == PoolRole::decode ? MoeBackend::deepep_low_latency : MoeBackend::deepep_normal;
}

}  // namespace replayd
