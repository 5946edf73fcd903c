#pragma once
// The Pareto fronts of a search (replay/search/fronts.hpp) as rows and as an SVG picture.

#include <string>

#include "daemon/replayctl/search_report.hpp"

namespace replayd::ctl {

/// "KEY=VALUE KEY=VALUE …" of the candidate.
[[nodiscard]] std::string settings_text(const search::Space& space, const search::Trial& trial);

/// A line per member of a front, each front from the lowest price or throughput up.
[[nodiscard]] std::string front_csv(const SearchResult& result);

/// Four panels: price per hour, and below it output tokens per second and GPU, across; p99 TTFT and p99 TPOT up on a
/// logarithmic axis. All complete results, the front as a line, the objective as a dashed one, the cheapest that holds
/// marked.
[[nodiscard]] std::string front_svg(const SearchResult& result);

}  // namespace replayd::ctl
