#pragma once
// Scenario and catalog text (TOML) to validated values and back. Parsing text only: callers read files.

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/catalog/hugging_face_config.hpp"
#include "replay/catalog/scenario.hpp"

namespace replayd {

class TableReader;

/// Models and GPUs by name. `built_in()` is the embedded catalog; `add` lays a user's file over it.
class Catalog {
public:
    [[nodiscard]] static const Catalog& built_in();

    /// Adds or replaces the `[models.NAME]` and `[gpus.NAME]` tables of `toml`. `origin` names the text
    /// in messages (a file name). On error nothing is changed.
    [[nodiscard]] Result<void> add(std::string_view toml, std::string_view origin);

    /// Error `not_found` names the nearest known name.
    [[nodiscard]] Result<ModelSpec> model(std::string_view name) const;
    [[nodiscard]] Result<GpuSpec> gpu(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> model_names() const;
    [[nodiscard]] std::vector<std::string> gpu_names() const;

    /// Reads the `models` and `gpus` tables of a document into this catalog; trouble lands in the reader's errors,
    /// and then the catalog is not to be used. For the readers of this folder; others call `add`.
    void add_tables(TableReader& root);

private:
    std::map<std::string, ModelSpec, std::less<>> models_;
    std::map<std::string, GpuSpec, std::less<>> gpus_;
};

/// Parses and validates one scenario. Errors read "ORIGIN:LINE: FIELD …: expected …; did you mean …?".
/// Unknown keys, misspelt names and impossible combinations are refused (Code::invalid_argument).
[[nodiscard]] Result<Scenario> parse_scenario(std::string_view toml, std::string_view origin,
                                              const Catalog& catalog = Catalog::built_in());

/// Reads the folder that `cost.profile` names for one pool.
using ProfileLoader = std::function<Result<std::shared_ptr<const cost::StepProfile>>(
    std::string_view path, const ModelSpec& model, const PoolSpec& pool)>;

/// What a scenario's text may refer to, and what is changed in it before it is validated.
struct ParseOptions {
    const Catalog& catalog = Catalog::built_in();
    std::span<const std::string> overrides = {};  ///< "KEY=VALUE", see scenario_override.hpp
    ModelConfigLoader model_config = {};          ///< reads what `model_config` names; unset: such files are refused
    ProfileLoader profile = {};                   ///< reads what `cost.profile` names; unset: it is refused
};

/// As above. `model_config = "PATH"` in the text stands in place of `model`: the file is a Hugging Face config.json.
[[nodiscard]] Result<Scenario> parse_scenario(std::string_view toml, std::string_view origin,
                                              const ParseOptions& options);

/// The scenarios that ship with replayd: name → TOML text.
[[nodiscard]] const std::map<std::string, std::string, std::less<>>& built_in_scenarios();

}  // namespace replayd
