#pragma once
// The scenarios that streams can be created with: built-in ones, files, and those posted over HTTP. Any thread.

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario_toml.hpp"
#include "replay/sim/run.hpp"

namespace replayd::stream {

/// One scenario, parsed and composed.
struct LibraryScenario {
    std::string toml;
    bool built_in = false;
    std::shared_ptr<const CompiledScenario> compiled;

    [[nodiscard]] const Scenario& scenario() const { return compiled->scenario; }
    [[nodiscard]] const std::string& name() const { return compiled->scenario.name; }
};

/// One scenario of the list, parsed only.
struct ListedScenario {
    Scenario scenario;
    bool built_in = false;
};

/// Scenarios are composed when they are first wanted: that takes milliseconds each, and there are dozens.
class ScenarioLibrary {
public:
    /// Holds the built-in scenarios, read with `catalog`. A catalog file that makes one unreadable is an error.
    /// `profile` reads what `cost.profile` names, of whatever origin a scenario is; unset: such scenarios are refused.
    [[nodiscard]] static Result<std::unique_ptr<ScenarioLibrary>> create(Catalog catalog, ProfileLoader profile = {});

    /// Adds a scenario of the user. `origin` names the text in messages. A file may stand in for a built-in
    /// scenario (`replace_built_in`). Errors: `invalid_argument` (text), `already_exists` (the name has another
    /// text). The same text again is no error.
    [[nodiscard]] Result<std::shared_ptr<const LibraryScenario>> add(std::string toml, std::string_view origin,
                                                                     bool replace_built_in);
    /// Takes over the scenarios of files of `fresh`, read with the same catalog: new ones, and new texts of known ones.
    /// Streams that exist keep the text that they were created with. A name that was posted with another text stays.
    /// Returns the names that are new or changed.
    std::vector<std::string> take_files_of(const ScenarioLibrary& fresh);
    /// Errors: `not_found` with the nearest name, `invalid_argument` for an impossible combination.
    [[nodiscard]] Result<std::shared_ptr<const LibraryScenario>> find(std::string_view name) const;
    /// In the order of their names.
    [[nodiscard]] std::vector<ListedScenario> all() const;

    /// Parses and composes a text without adding it.
    /// `overrides`: "KEY=VALUE", see replay/catalog/scenario_override.hpp.
    [[nodiscard]] Result<std::shared_ptr<const CompiledScenario>> compile_text(
        std::string_view toml, std::string_view origin, std::span<const std::string> overrides = {}) const;

private:
    struct Entry {
        std::string toml;
        bool built_in = false;
        bool posted = false;  ///< over HTTP, not from a file
        Scenario scenario;
        std::shared_ptr<const LibraryScenario> composed;  ///< null until first wanted
    };
    [[nodiscard]] Result<std::shared_ptr<const LibraryScenario>> compose(Entry& entry) const;  ///< under the mutex
    ScenarioLibrary(Catalog catalog, ProfileLoader profile)
        : catalog_(std::move(catalog)), profile_(std::move(profile)) {}

    const Catalog catalog_;
    const ProfileLoader profile_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, Entry, std::less<>> scenarios_;
};

}  // namespace replayd::stream
