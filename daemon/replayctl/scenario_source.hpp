#pragma once
// Scenarios that the command line names: built-in ones by name, others by the path of their TOML file.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/stream/scenario_library.hpp"
#include "replay/base/error.hpp"

namespace replayd::ctl {

class ScenarioSource {
public:
    /// `catalogs`: TOML files of models and GPUs laid over the built-in catalog, in order. Errors name the file.
    [[nodiscard]] static Result<ScenarioSource> create(const std::vector<std::string>& catalogs);

    /// Parses the scenario of that name, or of the file at that path, with `overrides` ("KEY=VALUE") laid over its
    /// text. A `model_config` is read beside the scenario's file. Errors as of `load`; it need not fit into memory.
    [[nodiscard]] Result<Scenario> parse(const std::string& name_or_path,
                                         const std::vector<std::string>& overrides) const;

    /// The TOML text of that name, or of the file at that path. Errors: `not_found` with the nearest name, `io`.
    [[nodiscard]] Result<std::string> text_of(const std::string& name_or_path) const;

    /// Parses and composes the scenario of that name, or of the file at that path. Errors: `not_found` with the
    /// nearest name, `invalid_argument` for a wrong text, `io`.
    [[nodiscard]] Result<stream::LibraryScenario> load(const std::string& name_or_path) const;
    /// As load, with `overrides` ("KEY=VALUE") laid over the text, under the scenario's name with "-what-if" behind
    /// it; the text is that of the changed scenario, so that it can be composed again.
    [[nodiscard]] Result<stream::LibraryScenario> load_changed(const std::string& name_or_path,
                                                               std::vector<std::string> overrides) const;
    /// Parses and composes a text that is in no file, such as that of a run; `origin` names it in messages. Files
    /// that it names are looked for in the working directory. Errors: `invalid_argument`, `io`.
    [[nodiscard]] Result<std::shared_ptr<const CompiledScenario>> compose(std::string_view toml,
                                                                          std::string_view origin) const;
    /// As load for several, each followed by load_changed where there are `overrides`. Error `invalid_argument` when
    /// two have the same name.
    [[nodiscard]] Result<std::vector<stream::LibraryScenario>> load_all(
        const std::vector<std::string>& names, const std::vector<std::string>& overrides = {}) const;
    /// The built-in scenarios in the order of their names.
    [[nodiscard]] Result<std::vector<stream::LibraryScenario>> built_in() const;

private:
    explicit ScenarioSource(Catalog catalog) : catalog_(std::move(catalog)) {}
    struct Text {
        std::string toml;
        std::string origin;  ///< how messages name it
        std::string folder;  ///< of the file; empty for a built-in one
        bool is_built_in = false;
    };
    [[nodiscard]] static Result<Text> find(const std::string& name_or_path);
    [[nodiscard]] Result<std::shared_ptr<const CompiledScenario>> compose_text(const Text& text) const;
    [[nodiscard]] Result<Scenario> parse_text(const Text& text, const std::vector<std::string>& overrides) const;

    Catalog catalog_;
};

}  // namespace replayd::ctl
