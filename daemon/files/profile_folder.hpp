#pragma once
// A folder of measured kernel times on disk: the files of `[cost] source = "profile"`.

#include <memory>
#include <string>

#include "replay/base/error.hpp"
#include "replay/cost/tables/read_profile.hpp"

namespace replayd::files {

/// Reads the CSV files (also .gz and .zst) of `path` as the profile of one pool. A folder with one folder tp<N> per
/// tensor-parallel degree stands for the one of the pool's degree; experts that lie only under tp1, where profilers
/// measure them, are taken from there. Errors: `not_found` for what cannot be read; `invalid_argument` for a folder
/// tp<N> of another degree and for a table that lies there twice (x.csv beside x.csv.gz); those of cost::read_profile.
[[nodiscard]] Result<std::shared_ptr<const cost::StepProfile>> read_profile_folder(const std::string& path,
                                                                                   const ModelSpec& model,
                                                                                   const PoolSpec& pool);

}  // namespace replayd::files
