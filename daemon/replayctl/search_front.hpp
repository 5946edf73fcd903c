#pragma once
// The Pareto fronts of a search, price against p99 TTFT and against p99 TPOT: which results are on them, as rows and as an
// SVG picture.

#include <set>
#include <string>

#include "daemon/replayctl/search_report.hpp"

namespace replayd::ctl {

/// Results that no other beats in price and latency at once. What rejected requests, was not possible, or ended early is on none.
struct Fronts {
    explicit Fronts(const SearchResult& result);

    std::set<search::Trial> ttft;
    std::set<search::Trial> tpot;
};

/// "KEY=VALUE KEY=VALUE …" of the candidate.
[[nodiscard]] std::string settings_text(const search::Space& space, const search::Trial& trial);

/// A line per member of a front, each front from the lowest price up.
[[nodiscard]] std::string front_csv(const SearchResult& result);

/// Two panels, price per hour across, p99 TTFT and p99 TPOT up on a logarithmic axis: all complete results, the front as a line,
/// the objective as a dashed one, the cheapest that holds marked.
[[nodiscard]] std::string front_svg(const SearchResult& result);

}  // namespace replayd::ctl
