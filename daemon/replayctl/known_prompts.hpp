#pragma once
// Prompts of public benchmark data that begin like earlier ones. A server that caches prefixes computes those beginnings
// once, but files of runs keep token counts only; where the counts are those of a known data set, this says what they lack.

#include <string_view>
#include <vector>

#include "replay/trace/arrival.hpp"

namespace replayd::ctl {

/// Gives `arrivals` the prefix hashes of their prompts where these are a known data set's, told by the prompts' token counts
/// in order, and returns its name; else changes nothing and returns "". Hashes that arrivals already carry stay: then "".
std::string_view add_known_prefixes(std::vector<Arrival>& arrivals);

}  // namespace replayd::ctl
