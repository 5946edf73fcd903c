#pragma once
// The [cost] table of a scenario.

#include <cstdint>
#include <map>
#include <string>

#include "replay/catalog/scenario_toml.hpp"
#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// Where the profiles of `source = "profile"` lie: one path for every GPU (under the empty name), or one for each.
struct ProfilePaths {
    std::map<std::string, std::string, std::less<>> by_gpu;
    std::int64_t line = 1;  ///< of the key
};

/// Reads the source and what belongs to it into `scenario`; paths, which need the pools, are returned.
[[nodiscard]] ProfilePaths read_cost(TableReader table, Scenario& scenario);

/// Loads the profile of every pool. Trouble lands in `errors`.
void load_profiles(const ProfilePaths& paths, const ProfileLoader& loader, Scenario& scenario, TomlErrors& errors);

}  // namespace replayd
