#include "replay/catalog/scenario_toml.hpp"

#include <algorithm>

#include "replay/catalog/autoscale_toml.hpp"
#include "replay/catalog/cost_toml.hpp"
#include "replay/catalog/drift_toml.hpp"
#include "replay/catalog/moe_toml.hpp"
#include "replay/catalog/scenario_override.hpp"
#include "replay/catalog/slo_toml.hpp"
#include "replay/catalog/spec_toml.hpp"
#include "replay/catalog/split_toml.hpp"

namespace replayd {
namespace {

constexpr double k_giga = 1e9;
constexpr double k_bits_per_byte = 8;
constexpr RealRange k_bandwidth{0.001, 1e9, true};
constexpr IntegerRange k_nics{1, 64};
/// Shortest statistics window: below it windows cost more than what they show.
constexpr Duration k_window_least{k_ns_per_ms};

constexpr std::array<Choice<TransferOverlap>, 2> k_overlaps = {
    {{"none", TransferOverlap::none}, {"layerwise", TransferOverlap::layerwise}}};

/// The model of a config.json; its directory names it where the file is just "config.json".
ModelSpec read_model_config(TableReader& root, const ModelConfigLoader& loader) {
    const std::string path = root.text("model_config");
    const std::string shown = '"' + path + '"';
    if (root.has("model")) root.refuse("model_config", shown, "expected either model or model_config, not both");
    root.any("model");
    if (!loader) {
        root.refuse("model_config", shown, "no file can be read here; put the model into [models.NAME] of this text");
        return {};
    }
    const auto json = loader(path);
    if (!json) {
        root.refuse("model_config", shown, json.error().message);
        return {};
    }
    auto model = parse_hugging_face_config(*json, path);
    if (!model) root.refuse("model_config", shown, model.error().message);
    return model ? std::move(*model) : ModelSpec{};
}

ModelSpec read_scenario_model(TableReader& root, const Catalog& catalog, const ModelConfigLoader& loader) {
    if (root.has("model_config")) return read_model_config(root, loader);
    const std::vector<std::string> names = catalog.model_names();
    if (!root.has("model")) {
        root.any("model");
        root.missing("model", joined(names));
        return {};
    }
    const std::string name = root.text("model");
    if (auto model = catalog.model(name)) return *model;
    root.refuse_name("model", name, "", names);
    return {};
}

std::string read_default_gpu(TableReader& root, const Catalog& catalog) {
    std::string name = root.text("gpu", "");
    if (root.has("gpu") && !catalog.gpu(name)) root.refuse_name("gpu", name, "", catalog.gpu_names());
    return name;
}

/// Of one network card; `fallback` where it may be left out.
double read_bandwidth(TableReader& table, std::optional<double> fallback) {
    const bool bits = table.has("gigabits_per_s");
    const bool bytes = table.has("gigabytes_per_s");
    table.any("gigabits_per_s");
    if (bits && bytes) {
        table.refuse("gigabytes_per_s", table.any("gigabytes_per_s")->shown(),
                     "expected either gigabits_per_s or gigabytes_per_s, not both");
    }
    if (bits) return table.real("gigabits_per_s", k_bandwidth) * k_giga / k_bits_per_byte;
    if (!bytes && fallback) {
        table.any("gigabytes_per_s");
        return *fallback;
    }
    return table.real("gigabytes_per_s", k_bandwidth) * k_giga;
}

std::optional<NicSpec> read_cards(TableReader& transfer, std::string_view role, const TransferSpec& shared) {
    const TomlNode* node = transfer.table(role, false);
    if (node == nullptr) return std::nullopt;
    TableReader table(*node, transfer.path_of(role), transfer.errors());
    NicSpec out;
    out.count = table.integer("nics", k_nics, shared.nics);
    out.bytes_per_s = read_bandwidth(table, shared.bytes_per_s);
    table.finish();
    return out;
}

TransferSpec read_transfer(TableReader table) {
    TransferSpec out;
    out.bytes_per_s = read_bandwidth(table, std::nullopt);
    out.nics = table.integer("nics", k_nics, out.nics);
    out.prefill = read_cards(table, "prefill", out);
    out.decode = read_cards(table, "decode", out);
    out.latency = table.duration("latency_us", k_ns_per_us, Duration(0));
    if (table.has("dtype")) out.dtype = table.choice<DataType>("dtype", k_kv_types);
    table.any("dtype");
    out.overlap = table.choice<TransferOverlap>("overlap", k_overlaps, out.overlap);
    out.local_prefill_tokens_max = Tokens(table.integer("local_prefill_tokens_max", {0}, 0));
    table.finish();
    return out;
}

void check_roles(const std::vector<PoolSpec>& pools, TableReader& root) {
    const auto count = [&](PoolRole role) {
        return std::count_if(pools.begin(), pools.end(), [&](const PoolSpec& pool) { return pool.role == role; });
    };
    const bool mixed = pools.size() == 1 && count(PoolRole::mixed) == 1;
    const bool split = pools.size() == 2 && count(PoolRole::prefill) == 1 && count(PoolRole::decode) == 1;
    if (mixed || split) return;
    root.refuse("pool",
                std::to_string(count(PoolRole::mixed)) + " mixed, " + std::to_string(count(PoolRole::prefill)) +
                    " prefill, " + std::to_string(count(PoolRole::decode)) + " decode",
                "expected one mixed pool, or one prefill and one decode pool");
}

/// What must hold between a prefill and a decode pool.
void check_pair(const PoolSpec& prefill, const PoolSpec& decode, TableReader& root) {
    if (prefill.name == decode.name) {
        root.refuse("pool", '"' + prefill.name + '"', "expected two different names");
    }
    if (prefill.kv.dtype != decode.kv.dtype) {
        root.refuse("pool", "kv.dtype differs",
                    "expected one kv.dtype in both pools: the KV cache moves from \"" + prefill.name + "\" to \"" +
                        decode.name + '"');
    }
}

std::vector<PoolSpec> read_pools(TableReader& root, const ModelSpec& model, const std::string& default_gpu,
                                 const Catalog& catalog) {
    std::vector<PoolSpec> pools;
    const TomlNode* node = root.any("pool");
    if (node == nullptr) {
        root.missing("pool", "[[pool]] with role = \"mixed\", or two with \"prefill\" and \"decode\"");
        return pools;
    }
    if (node->kind != TomlNode::Kind::array) {
        root.refuse("pool", node->shown(), "expected [[pool]] with double brackets");
        return pools;
    }
    for (const TomlNode& element : node->children) {
        TableReader table(element, "pool", root.errors());
        pools.push_back(read_pool(table, model, default_gpu, catalog));
    }
    if (root.errors().any()) return pools;
    check_roles(pools, root);
    // Prefill before decode, whatever the order of the file.
    std::stable_sort(pools.begin(), pools.end(),
                     [](const PoolSpec& a, const PoolSpec& b) { return a.role < b.role; });
    if (!root.errors().any() && pools.size() == 2) check_pair(pools[0], pools[1], root);
    return pools;
}

void check_transfer(const Scenario& scenario, TableReader& root) {
    const bool stated = root.has("transfer");
    if (scenario.disaggregated() && !stated) {
        root.missing("transfer", "a table with gigabits_per_s or gigabytes_per_s and latency_us, the link between "
                                 "prefill and decode");
    }
    if (!scenario.disaggregated() && stated) {
        root.refuse("transfer", "a table", "expected none: a mixed pool moves no KV cache");
    }
}

Scenario read_scenario(TableReader& root, Catalog& catalog, const ParseOptions& options) {
    Scenario out;
    catalog.add_tables(root);
    out.name = read_name(root, "name");
    out.description = root.text("description", "");
    out.model = read_scenario_model(root, catalog, options.model_config);
    out.seed = static_cast<std::uint64_t>(root.integer("seed", {0}, 0));
    out.window = root.duration("window_s", k_ns_per_s, k_window_least, out.window);
    const auto sub_table = [&](std::string_view key, auto&& read) {
        if (const TomlNode* node = root.table(key, false)) {
            read(TableReader(*node, root.path_of(key), root.errors()));
        }
    };
    sub_table("slo", [&](TableReader table) {
        out.slo = read_slo(table, {});
        table.finish();
    });
    out.slo_classes = read_slo_classes(root, out.slo);
    sub_table("drift", [&](TableReader table) { out.drift = read_drift(std::move(table)); });
    sub_table("transfer", [&](TableReader table) { out.transfer = read_transfer(std::move(table)); });
    sub_table("autoscale", [&](TableReader table) { out.autoscale = read_autoscale(std::move(table)); });
    ProfilePaths profiles;
    sub_table("cost", [&](TableReader table) { profiles = read_cost(std::move(table), out); });
    const std::string default_gpu = read_default_gpu(root, catalog);
    out.pools = read_pools(root, out.model, default_gpu, catalog);
    sub_table("moe_routing", [&](TableReader table) {
        const MoeRoutingSpec routing = read_moe_routing(std::move(table), out.model);
        for (PoolSpec& pool : out.pools) pool.moe_routing = routing;
    });
    root.any("split");  // expanded before; known, so that a misspelling of it is seen as one
    root.finish();
    if (!root.errors().any()) check_transfer(out, root);
    if (!root.errors().any()) check_queues(out, root);
    if (!root.errors().any()) check_autoscale(out, root);
    if (!root.errors().any() && out.cost == CostSource::profile) {
        load_profiles(profiles, options.profile, out, root.errors());
    }
    return out;
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view toml, std::string_view origin, const Catalog& catalog) {
    return parse_scenario(toml, origin, ParseOptions{catalog, {}, {}, {}});
}

Result<Scenario> parse_scenario(std::string_view toml, std::string_view origin, const ParseOptions& options) {
    auto document = parse_toml(toml, origin);
    if (!document) return tl::unexpected(document.error());
    for (const std::string& setting : options.overrides) {
        if (auto done = apply_override(*document, setting); !done) return tl::unexpected(done.error());
    }
    TomlErrors errors(origin);
    expand_split(*document, errors);
    if (errors.any()) return tl::unexpected(errors.first());
    TableReader root(*document, "", errors);
    Catalog with_local = options.catalog;
    Scenario scenario = read_scenario(root, with_local, options);
    if (errors.any()) return tl::unexpected(errors.first());
    return scenario;
}

}  // namespace replayd
