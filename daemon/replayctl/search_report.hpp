#pragma once
// What a search found, as a table, JSON or CSV.

#include <string>
#include <vector>

#include "replay/search/methods.hpp"
#include "replay/search/search_toml.hpp"

namespace replayd::ctl {

/// The end of a search.
struct SearchResult {
    const search::SearchSpec& spec;
    const search::Space& space;
    const search::Outcomes& outcomes;
    std::vector<search::Trial> ranked;  ///< results, the best first
    std::int64_t ran = 0;               ///< trials of this call; the others were in the journal
};

/// The best results, the Pareto fronts of price against p99 TTFT and p99 TPOT, and what was run, skipped and not
/// possible.
[[nodiscard]] std::string search_text(const SearchResult& result);
[[nodiscard]] std::string search_json(const SearchResult& result);
/// A line per outcome, in the order of candidates.
[[nodiscard]] std::string search_csv(const SearchResult& result);

}  // namespace replayd::ctl
