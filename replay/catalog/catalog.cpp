// The catalog of models and GPUs, and the scenarios that are compiled in.

#include <cstdio>
#include <cstdlib>

#include "replay/catalog/embedded_files.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/catalog/spec_toml.hpp"

namespace replayd {
namespace {

constexpr std::string_view k_scenario_prefix = "scenarios/";
constexpr std::string_view k_suffix = ".toml";

/// Reads every `[FAMILY.NAME]` table with `read` and lays the results over `entries`.
template <class Spec, class Read>
void read_family(TableReader& root, std::string_view family, Read read,
                 std::map<std::string, Spec, std::less<>>& entries) {
    const TomlNode* node = root.table(family, false);
    if (node == nullptr) return;
    if (node->kind != TomlNode::Kind::table) {
        root.refuse(family, node->shown(), "expected a table");
        return;
    }
    for (const TomlNode& entry : node->children) {
        TableReader table(entry, root.path_of(family) + '.' + entry.key, root.errors());
        if (!is_name(entry.key)) {
            root.errors().wrong_value(entry.key_line, table.path() + ": expected a name of 1 to 100 letters, digits, "
                                                                     "'.', '_' or '-'");
        }
        entries.insert_or_assign(entry.key, read(table, entry.key));
    }
}

template <class Spec>
std::vector<std::string> names_of(const std::map<std::string, Spec, std::less<>>& entries) {
    std::vector<std::string> names;
    for (const auto& [name, spec] : entries) names.push_back(name);
    return names;
}

template <class Spec>
Result<Spec> find(const std::map<std::string, Spec, std::less<>>& entries, std::string_view what,
                  std::string_view name) {
    const auto found = entries.find(name);
    if (found != entries.end()) return found->second;
    const std::vector<std::string> names = names_of(entries);
    return fail(Code::not_found, std::string(what) + " \"" + std::string(name) + "\" is not in the catalog: expected " +
                                     joined(names) + suggestion(name, names));
}

/// The embedded files are part of the program: trouble in them is a defect, seen by every test.
[[noreturn]] void broken_catalog(const Error& error) {
    std::fprintf(stderr, "replayd: broken embedded catalog: %s\n", error.message.c_str());
    std::abort();
}

Catalog load_built_in() {
    Catalog catalog;
    for (const EmbeddedFile& file : embedded_files()) {
        if (file.path.starts_with(k_scenario_prefix)) continue;
        if (auto added = catalog.add(file.text, file.path); !added) broken_catalog(added.error());
    }
    return catalog;
}

std::map<std::string, std::string, std::less<>> load_scenarios() {
    std::map<std::string, std::string, std::less<>> scenarios;
    for (const EmbeddedFile& file : embedded_files()) {
        if (!file.path.starts_with(k_scenario_prefix)) continue;
        std::string_view name = file.path.substr(k_scenario_prefix.size());
        name.remove_suffix(k_suffix.size());
        scenarios.emplace(name, file.text);
    }
    return scenarios;
}

}  // namespace

const Catalog& Catalog::built_in() {
    static const Catalog catalog = load_built_in();
    return catalog;
}

Result<void> Catalog::add(std::string_view toml, std::string_view origin) {
    const auto document = parse_toml(toml, origin);
    if (!document) return tl::unexpected(document.error());
    TomlErrors errors(origin);
    TableReader root(*document, "", errors);
    Catalog changed = *this;
    changed.add_tables(root);
    root.finish();
    if (errors.any()) return tl::unexpected(errors.first());
    *this = std::move(changed);
    return {};
}

void Catalog::add_tables(TableReader& root) {
    read_family(root, "models", read_model, models_);
    read_family(root, "gpus", read_gpu, gpus_);
}

Result<ModelSpec> Catalog::model(std::string_view name) const { return find(models_, "model", name); }
Result<GpuSpec> Catalog::gpu(std::string_view name) const { return find(gpus_, "GPU", name); }
std::vector<std::string> Catalog::model_names() const { return names_of(models_); }
std::vector<std::string> Catalog::gpu_names() const { return names_of(gpus_); }

const std::map<std::string, std::string, std::less<>>& built_in_scenarios() {
    static const std::map<std::string, std::string, std::less<>> scenarios = load_scenarios();
    return scenarios;
}

}  // namespace replayd
