#pragma once
// Searches as JSON: a trial as `replayctl search --json` and the API tell it. For those two.

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "replay/search/fronts.hpp"
#include "replay/search/search_toml.hpp"
#include "storage/search_file.hpp"

namespace replayd::api {

/// A result of a search. `outcomes` has it.
[[nodiscard]] boost::json::object trial_json(const search::SearchSpec& spec, const search::Space& space,
                                             const search::Outcomes& outcomes, const search::Trial& trial,
                                             const search::Fronts& fronts);

/// What a list of searches says of one.
[[nodiscard]] boost::json::object search_item_json(const std::string& file, const storage::StoredSearch& stored,
                                                   const search::SearchSpec& spec);

/// The whole search: item, axes, objective, prices, what was found, skipped and not possible. At most `trials_max`
/// results.
[[nodiscard]] boost::json::object search_json(const std::string& file, const storage::SearchFacts& facts,
                                              const search::SearchSpec& spec, const search::Outcomes& outcomes,
                                              std::size_t trials_max);

}  // namespace replayd::api
