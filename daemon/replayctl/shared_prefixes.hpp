#pragma once
// Which prompts of a run begin like earlier ones. A server that caches prefixes computes those beginnings once, but
// files of runs keep counts of tokens only; whoever knows the prompts can say so in a CSV file:
//   request,prompt_tokens,earlier,blocks
// has a row for each prompt whose first `blocks` blocks of 16 tokens are those of an earlier request; requests are
// counted from 0 in the order of their arrival.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::ctl {

struct SharedPrefix {
    std::int64_t request = 0;
    std::int64_t prompt_tokens = 0;
    std::int64_t earlier = 0;  ///< request
    std::int64_t blocks = 0;   ///< of 16 tokens
};

/// Error `invalid_argument` names file, row, column, value and what was expected; those of reading a file.
[[nodiscard]] Result<std::vector<SharedPrefix>> read_shared_prefixes(const std::string& path);
/// The same of the text of a file; `name` stands in the messages.
[[nodiscard]] Result<std::vector<SharedPrefix>> parse_shared_prefixes(const std::string& name, std::string_view text);

/// A public set of prompts that benchmarks send (daemon/replayctl/prompts/).
struct KnownPrompts {
    std::string name;  ///< of its file, without .csv
    std::vector<SharedPrefix> shared;
};
/// The set that the arrivals' prompts are, known by the lengths of dozens of them at their places; nothing when it is
/// none.
[[nodiscard]] std::optional<KnownPrompts> known_prompts(const std::vector<Arrival>& arrivals);

/// Whether the arrivals have a prompt of the stated tokens for every row.
[[nodiscard]] bool speaks_of(const std::vector<SharedPrefix>& shared, const std::vector<Arrival>& arrivals);

/// Gives each arrival the hashes of its prompt's blocks. Expects speaks_of, and arrivals without hashes.
void share_prefixes(const std::vector<SharedPrefix>& shared, std::vector<Arrival>& arrivals);

}  // namespace replayd::ctl
