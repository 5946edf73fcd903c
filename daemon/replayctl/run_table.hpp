#pragma once
// Runs, as the API's objects tell them, in tables for people.

#include <string>

#include <boost/json/array.hpp>

namespace replayd::ctl {

/// Runs side by side, one column each, three to a block; a line per figure. Figures that only `replayctl replay`
/// knows (wall time, peak of the KV cache) have lines where the runs have them.
[[nodiscard]] std::string comparison_table(const boost::json::array& runs);

/// One line per run.
[[nodiscard]] std::string run_list(const boost::json::array& runs);

}  // namespace replayd::ctl
