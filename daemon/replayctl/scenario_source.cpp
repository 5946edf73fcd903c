#include "daemon/replayctl/scenario_source.hpp"

#include <filesystem>
#include <set>
#include <utility>

#include "daemon/config/config.hpp"
#include "daemon/files/profile_folder.hpp"
#include "daemon/net/quoted.hpp"
#include "replay/base/nearest_name.hpp"
#include "replay/catalog/scenario_override.hpp"
#include "replay/catalog/toml_text.hpp"

namespace replayd::ctl {
namespace {

tl::unexpected<Error> unknown(const std::string& name) {
    std::vector<std::string> names;
    for (const auto& [known, toml] : built_in_scenarios()) names.push_back(known);
    const std::string nearest = nearest_name(name, names);
    return fail(Code::not_found,
                "no scenario and no file " + net::quoted(name) +
                    (nearest.empty() ? "; `replayctl scenario list` lists the built-in scenarios"
                                     : "; did you mean " + net::quoted(nearest) + "?"));
}

}  // namespace

Result<ScenarioSource> ScenarioSource::create(const std::vector<std::string>& catalogs) {
    Catalog catalog = Catalog::built_in();
    for (const std::string& path : catalogs) {
        const auto text = config::read_text_file(path);
        if (!text) return fail(Code::not_found, text.error().message);
        if (auto added = catalog.add(*text, path); !added) return tl::unexpected(added.error());
    }
    return ScenarioSource(std::move(catalog));
}

Result<ScenarioSource::Text> ScenarioSource::find(const std::string& name_or_path) {
    const auto known = built_in_scenarios().find(name_or_path);
    if (known != built_in_scenarios().end()) return Text{known->second, "built-in scenario " + name_or_path, "", true};
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(name_or_path, ignored)) return unknown(name_or_path);
    auto toml = config::read_text_file(name_or_path);
    if (!toml) return tl::unexpected(toml.error());
    return Text{std::move(*toml), name_or_path, std::filesystem::path(name_or_path).parent_path().string(), false};
}

Result<Scenario> ScenarioSource::parse_text(const Text& text, const std::vector<std::string>& overrides) const {
    const auto beside = [&](std::string_view path) {
        return config::read_text_file((std::filesystem::path(text.folder) / path).string());
    };
    const auto profile = [&](std::string_view path, const ModelSpec& model, const PoolSpec& pool) {
        return files::read_profile_folder((std::filesystem::path(text.folder) / path).string(), model, pool);
    };
    return parse_scenario(text.toml, text.origin, ParseOptions{catalog_, overrides, beside, profile});
}

Result<Scenario> ScenarioSource::parse(const std::string& name_or_path,
                                       const std::vector<std::string>& overrides) const {
    return find(name_or_path).and_then([&](const Text& text) { return parse_text(text, overrides); });
}

Result<std::string> ScenarioSource::text_of(const std::string& name_or_path) const {
    return find(name_or_path).map([](Text&& text) { return std::move(text.toml); });
}

Result<stream::LibraryScenario> ScenarioSource::load(const std::string& name_or_path) const {
    auto text = find(name_or_path);
    if (!text) return tl::unexpected(text.error());
    auto compiled = compose_text(*text);
    if (!compiled) return tl::unexpected(compiled.error());
    return stream::LibraryScenario{std::move(text->toml), text->is_built_in, std::move(*compiled)};
}

Result<stream::LibraryScenario> ScenarioSource::load_changed(const std::string& name_or_path,
                                                             std::vector<std::string> overrides) const {
    auto text = find(name_or_path);
    if (!text) return tl::unexpected(text.error());
    const auto unchanged = parse_text(*text, {});
    if (!unchanged) return tl::unexpected(unchanged.error());
    overrides.push_back("name=\"" + unchanged->name + "-what-if\"");
    auto scenario = parse_text(*text, overrides);
    if (!scenario) return tl::unexpected(scenario.error());
    auto document = parse_toml(text->toml, text->origin);
    if (!document) return tl::unexpected(document.error());
    for (const std::string& setting : overrides) {
        if (auto set = apply_override(*document, setting); !set) return tl::unexpected(set.error());
    }
    auto compiled = compile(std::move(*scenario));
    if (!compiled) return fail(compiled.error().code, text->origin + " with --what-if: " + compiled.error().message);
    return stream::LibraryScenario{toml_text(*document), false, std::move(*compiled)};
}

Result<std::shared_ptr<const CompiledScenario>> ScenarioSource::compose(std::string_view toml,
                                                                        std::string_view origin) const {
    return compose_text({std::string(toml), std::string(origin), "", false});
}

Result<std::shared_ptr<const CompiledScenario>> ScenarioSource::compose_text(const Text& text) const {
    auto scenario = parse_text(text, {});
    if (!scenario) return tl::unexpected(scenario.error());
    auto compiled = compile(std::move(*scenario));
    if (!compiled) return fail(compiled.error().code, text.origin + ": " + compiled.error().message);
    return compiled;
}

Result<std::vector<stream::LibraryScenario>> ScenarioSource::load_all(const std::vector<std::string>& names,
                                                                      const std::vector<std::string>& overrides) const {
    std::vector<stream::LibraryScenario> scenarios;
    std::set<std::string> seen;
    const auto add = [&](Result<stream::LibraryScenario> scenario) -> Result<void> {
        if (!scenario) return tl::unexpected(scenario.error());
        if (!seen.insert(scenario->name()).second) {
            return fail(Code::invalid_argument, "scenario " + net::quoted(scenario->name()) +
                                                    " is named twice: expected scenarios with different names");
        }
        scenarios.push_back(std::move(*scenario));
        return {};
    };
    for (const std::string& name : names) {
        if (auto added = add(load(name)); !added) return tl::unexpected(added.error());
        if (overrides.empty()) continue;
        if (auto added = add(load_changed(name, overrides)); !added) return tl::unexpected(added.error());
    }
    return scenarios;
}

Result<std::vector<stream::LibraryScenario>> ScenarioSource::built_in() const {
    std::vector<std::string> names;
    for (const auto& [name, toml] : built_in_scenarios()) names.push_back(name);
    return load_all(names);
}

}  // namespace replayd::ctl
