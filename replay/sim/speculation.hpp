#pragma once
// What becomes of drafts. Acceptance is drawn for each request and position of its output, so that it depends neither
// on who shares the step nor on when it runs: a replay, a fork and a replay after a kill accept the same drafts.

#include <cstdint>

#include "replay/catalog/speculation_spec.hpp"
#include "replay/cost/cost_model.hpp"

namespace replayd {

/// Adds to `shape` a decode of one token and `drafts` after `computed` tokens. Of a step that is formed request by
/// request this is most of the work, so only what such a member has is touched.
inline void add_verified(StepShape& shape, std::int64_t computed, std::int64_t drafts) {
    shape.decode_sequences += 1;
    shape.decode_context += computed + 1 + drafts;
    shape.sampled_sequences += 1 + drafts;
    shape.draft_tokens += drafts;
    shape.draft_pairs += drafts * (computed + 1 + drafts);
}

/// A decode of one sequence after `computed` tokens that verifies `drafts` tokens beside its own.
[[nodiscard]] StepShape verify_shape(std::int64_t computed, std::int64_t drafts);

/// How many of `drafts` are accepted after the first `generated` output tokens of request `sequence`: each with the
/// spec's probability, until one is not.
[[nodiscard]] std::int64_t accepted_drafts(const SpeculationSpec& spec, std::int64_t sequence, std::int64_t generated,
                                           std::int64_t drafts);

}  // namespace replayd
