#include "daemon/stream/scenario_library.hpp"

#include <utility>

#include "daemon/net/quoted.hpp"
#include "replay/base/nearest_name.hpp"

namespace replayd::stream {

Result<std::unique_ptr<ScenarioLibrary>> ScenarioLibrary::create(Catalog catalog, ProfileLoader profile) {
    std::unique_ptr<ScenarioLibrary> library(new ScenarioLibrary(std::move(catalog), std::move(profile)));
    for (const auto& [name, toml] : built_in_scenarios()) {
        auto scenario = parse_scenario(toml, "built-in scenario " + name, library->catalog_);
        if (!scenario) return tl::unexpected(scenario.error());
        library->scenarios_[name] = {toml, true, false, std::move(*scenario), nullptr};
    }
    return library;
}

Result<std::shared_ptr<const CompiledScenario>> ScenarioLibrary::compile_text(
    std::string_view toml, std::string_view origin, std::span<const std::string> overrides) const {
    auto scenario = parse_scenario(toml, origin, ParseOptions{catalog_, overrides, {}, profile_});
    if (!scenario) return tl::unexpected(scenario.error());
    auto compiled = compile(std::move(*scenario));
    if (!compiled) return fail(compiled.error().code, std::string(origin) + ": " + compiled.error().message);
    return compiled;
}

Result<std::shared_ptr<const LibraryScenario>> ScenarioLibrary::add(std::string toml, std::string_view origin,
                                                                    bool replace_built_in) {
    auto compiled = compile_text(toml, origin);
    if (!compiled) return tl::unexpected(compiled.error());
    const auto added = std::make_shared<const LibraryScenario>(LibraryScenario{toml, false, std::move(*compiled)});
    const std::lock_guard lock(mutex_);
    const auto known = scenarios_.find(added->name());
    if (known != scenarios_.end() && known->second.toml != toml && !(known->second.built_in && replace_built_in)) {
        return fail(Code::already_exists, std::string(origin) + ": scenario " + net::quoted(added->name()) +
                                              " exists with another text: choose another name");
    }
    if (known != scenarios_.end() && known->second.toml == toml) return compose(known->second);
    scenarios_[added->name()] = {std::move(toml), false, !replace_built_in, added->scenario(), added};
    return added;
}

std::vector<std::string> ScenarioLibrary::take_files_of(const ScenarioLibrary& fresh) {
    std::vector<std::string> changed;
    const std::scoped_lock lock(mutex_, fresh.mutex_);
    for (const auto& [name, entry] : fresh.scenarios_) {
        if (entry.built_in) continue;
        const auto known = scenarios_.find(name);
        if (known != scenarios_.end() && (known->second.posted || known->second.toml == entry.toml)) continue;
        scenarios_[name] = entry;
        changed.push_back(name);
    }
    return changed;
}

Result<std::shared_ptr<const LibraryScenario>> ScenarioLibrary::compose(Entry& entry) const {
    if (!entry.composed) {
        auto compiled = compile(entry.scenario);
        if (!compiled) {
            return fail(compiled.error().code,
                        "scenario " + net::quoted(entry.scenario.name) + ": " + compiled.error().message);
        }
        entry.composed =
            std::make_shared<const LibraryScenario>(LibraryScenario{entry.toml, entry.built_in, std::move(*compiled)});
    }
    return entry.composed;
}

Result<std::shared_ptr<const LibraryScenario>> ScenarioLibrary::find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = scenarios_.find(name);
    if (found != scenarios_.end()) return compose(found->second);
    std::vector<std::string> names;
    for (const auto& [known, entry] : scenarios_) names.push_back(known);
    const std::string nearest = nearest_name(name, names);
    return fail(Code::not_found, "no scenario " + net::quoted(name) +
                                     (nearest.empty() ? "; GET /api/v1/scenarios lists them"
                                                      : "; did you mean " + net::quoted(nearest) + "?"));
}

std::vector<ListedScenario> ScenarioLibrary::all() const {
    const std::lock_guard lock(mutex_);
    std::vector<ListedScenario> list;
    for (const auto& [name, entry] : scenarios_) list.push_back({entry.scenario, entry.built_in});
    return list;
}

}  // namespace replayd::stream
