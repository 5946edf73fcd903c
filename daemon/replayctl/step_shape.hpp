#pragma once
// The step that `--prefill` and `--decode` of the command line describe, and what the scenario's scheduler would say
// of it.

#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/cost/cost_model.hpp"

namespace replayd::ctl {

/// Sequences that are alike: "64x1024", or "2x512+1024" where some of their tokens are computed already.
struct SequenceGroup {
    std::int64_t sequences = 0;
    std::int64_t tokens = 0;    ///< of each: new ones of a prompt, or the context of a decode
    std::int64_t computed = 0;  ///< of each, before `tokens`
};

/// Error `invalid_argument` names the option, its value and `form`, which is expected.
[[nodiscard]] Result<SequenceGroup> read_sequences(const std::string& option, const std::string& text,
                                                   const std::string& form);

/// The groups of one step of one data-parallel rank; an option that was left out is "".
struct StepGroups {
    SequenceGroup prefill;
    SequenceGroup decode;
};
/// Error `invalid_argument` where both are "", and as above.
[[nodiscard]] Result<StepGroups> read_step(const std::string& prefill, const std::string& decode);

/// The step's numbers, each decode with `drafts` tokens to verify. Error `invalid_argument` for a step larger than
/// any cost is computed for (k_field_max).
[[nodiscard]] Result<StepShape> shape_of(const StepGroups& groups, std::int64_t drafts);

/// Limits of the pool that such a step is beyond, a sentence each: its price is right, but no batch of the pool is so
/// large.
[[nodiscard]] std::vector<std::string> beyond_the_pool(const StepGroups& groups, const ModelSpec& model,
                                                       const PoolSpec& pool);

}  // namespace replayd::ctl
