#include "replay/catalog/cost_toml.hpp"

#include <array>
#include <utility>

namespace replayd {
namespace {

constexpr std::array<Choice<CostSource>, 3> k_cost_sources = {
    {{"analytic", CostSource::analytic}, {"linear", CostSource::linear}, {"profile", CostSource::profile}}};

void read_linear(TableReader& table, LinearCostSpec& linear) {
    linear.step = table.duration("step_us", k_ns_per_us, Duration(0));
    linear.prefill_token = table.duration("prefill_token_us", k_ns_per_us, Duration(0));
    linear.decode_sequence = table.duration("decode_sequence_us", k_ns_per_us, Duration(0));
    if (!table.errors().any() && linear.step == Duration(0) &&
        (linear.prefill_token == Duration(0) || linear.decode_sequence == Duration(0))) {
        table.refuse("step_us", "0", "expected more than 0 unless prefill_token_us and decode_sequence_us are: "
                                     "a step must take time");
    }
}

ProfilePaths read_paths(TableReader& table) {
    ProfilePaths paths;
    const TomlNode* node = table.any("profile");
    if (node == nullptr) {
        table.missing("profile",
                      "the path of a folder with measured kernel times, or a table of one path per GPU name");
        return paths;
    }
    paths.line = node->line;
    if (node->kind == TomlNode::Kind::string) {
        paths.by_gpu.emplace("", node->text);
        return paths;
    }
    if (node->kind != TomlNode::Kind::table) {
        table.refuse("profile", node->shown(), "expected the path of a folder, or a table of one path per GPU name");
        return paths;
    }
    TableReader by_gpu(*node, table.path_of("profile"), table.errors());
    for (const TomlNode& child : node->children) paths.by_gpu.emplace(child.key, by_gpu.text(child.key));
    return paths;
}

CalibrationSpec read_calibration(TableReader table) {
    CalibrationSpec out;
    out.kernels = table.real("kernels", RealRange{.above = 0.01, .most = 100, .least_included = true}, out.kernels);
    out.host = table.duration("host_us", k_ns_per_us, Duration(0), out.host);
    table.finish();
    return out;
}

}  // namespace

ProfilePaths read_cost(TableReader table, Scenario& scenario) {
    scenario.cost = table.choice<CostSource>("source", k_cost_sources, CostSource::analytic);
    ProfilePaths paths;
    if (scenario.cost == CostSource::linear) {
        read_linear(table, scenario.linear);
    } else {
        for (const std::string_view key : {"step_us", "prefill_token_us", "decode_sequence_us"}) {
            if (const TomlNode* value = table.any(key)) {
                table.refuse(key, value->shown(), "belongs to source = \"linear\"; remove it or change the source");
            }
        }
    }
    if (scenario.cost == CostSource::profile) {
        paths = read_paths(table);
    } else if (const TomlNode* value = table.any("profile")) {
        table.refuse("profile", value->shown(), "belongs to source = \"profile\"; remove it or change the source");
    }
    if (const TomlNode* node = table.table("calibration", false)) {
        scenario.calibration = read_calibration(TableReader(*node, table.path_of("calibration"), table.errors()));
    }
    table.finish();
    return paths;
}

void load_profiles(const ProfilePaths& paths, const ProfileLoader& loader, Scenario& scenario, TomlErrors& errors) {
    for (PoolSpec& pool : scenario.pools) {
        auto path = paths.by_gpu.find(pool.gpu.name);
        if (path == paths.by_gpu.end()) path = paths.by_gpu.find("");
        if (path == paths.by_gpu.end()) {
            errors.wrong_value(paths.line, "cost.profile names no path for \"" + pool.gpu.name +
                                               "\", the GPU of pool \"" + pool.name + "\"; add one");
            return;
        }
        const std::string shown = "cost.profile = \"" + path->second + "\": ";
        if (!loader) {
            errors.wrong_value(paths.line, shown + "profile folders are not read here");
            return;
        }
        auto profile = loader(path->second, scenario.model, pool);
        if (!profile) {
            errors.wrong_value(paths.line, shown + profile.error().message);
            return;
        }
        pool.profile = std::move(*profile);
    }
}

}  // namespace replayd
