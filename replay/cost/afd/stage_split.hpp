#pragma once
// Attention/FFN disaggregation: how the requests of a scheduler rank are cut into the micro-batches ("stages") that are
// in flight at once, and what an attention server sends for a stage in which it has nothing.
//
// The rules follow the review of vLLM's AFD (vllm-project/vllm pull request 25162) and its connector in
// stepfun-ai/StepMesh (tests/vllm); where the code is not public the docstring says that the rule is ours.

#include <cstdint>
#include <span>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/catalog/afd_spec.hpp"
#include "replay/cost/cost_model.hpp"

namespace replayd::afd {

/// Requests of micro-batch `stage` (0 … stages − 1) out of `requests` ≥ 0: contiguous shares that differ by at most
/// one, the larger ones first. Ours: the split of the pull request is not public.
[[nodiscard]] std::int64_t requests_of_stage(std::int64_t requests, std::int64_t stages, std::int64_t stage);

/// Micro-batches that carry work where the busiest rank has `requests`: min(stages, requests). 0 where none has any.
[[nodiscard]] std::int64_t effective_stages(std::int64_t stages, std::int64_t requests);

/// Borders of `stages` contiguous groups of requests with nearly equal tokens: stages + 1 indices from 0 to
/// tokens.size(). Border i is the request border nearest to i · T / stages (the earlier of two equally near ones).
/// Groups may be empty.
[[nodiscard]] std::vector<std::int64_t> token_cuts(std::span<const std::int64_t> tokens, std::int64_t stages);

/// The part of a rank's step that is micro-batch `stage` of `stages`. A step that only decodes is cut by requests
/// (requests_of_stage), any other by tokens (token_cuts), its decodes before its prompts. The sums of a step do not say
/// which request has which context, so requests of a kind count as alike and every sum is shared out in proportion; the
/// shares of a field add up to it exactly.
[[nodiscard]] StepShape shape_of_stage(const StepShape& rank, std::int64_t stages, std::int64_t stage);

/// New tokens of a step: rows of its projections.
[[nodiscard]] constexpr std::int64_t rows_of(const StepShape& shape) {
    return shape.prefill_tokens + shape.decode_sequences;
}

/// Whether attention has no metadata for this stage: it has no request, or only such without tokens. To be asked before
/// anything takes a maximum over the stage's lengths.
[[nodiscard]] constexpr bool is_padding(const StepShape& stage) {
    return rows_of(stage) == 0;
}

/// Rows that an attention rank sends for a stage: its rows, padded to the captured graph where `graph_tokens_max` > 0,
/// and a single row whose result is dropped where it has none, since metadata of length 0 are refused and the FFN
/// servers count messages.
[[nodiscard]] std::int64_t sent_rows(const StepShape& stage, std::int64_t graph_tokens_max);

/// Error `invalid_argument` where a stage of a rank has more rows than its buffers hold.
[[nodiscard]] Result<void> check_capacity(std::int64_t rows, std::int64_t stage, std::int64_t capacity);

/// Messages that each attention server sends to each FFN server in a step: one per layer and announced stage.
[[nodiscard]] constexpr std::int64_t messages_per_step(std::int64_t layers, std::int64_t stages) {
    return layers * stages;
}

}  // namespace replayd::afd
