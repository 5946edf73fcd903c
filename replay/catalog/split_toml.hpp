#pragma once
// `[split]`: a prefill and a decode pool stated as one template, a number of replicas and the share that prefills.

#include <cstdint>

#include "replay/catalog/table_reader.hpp"

namespace replayd {

/// How `replicas × prefill_ratio` becomes a whole number of prefill replicas.
enum class SplitRounding {
    half_up,   ///< to the nearest, halves up, at least 1 and at most replicas - 1
    truncate,  ///< down, as SimAI's cluster does; 0 is refused
};

/// Prefill replicas out of `replicas` (2 or more) for a ratio above 0 and below 1: the one number that everything uses.
/// `half_up` takes what is a half up to 1e-9 as a half, since a decimal ratio has no exact double; `truncate` keeps
/// SimAI's arithmetic, where 100 × 0.29 is 28. The result is 0 only with `truncate`.
[[nodiscard]] std::int64_t prefill_replicas(std::int64_t replicas, double ratio, SplitRounding rounding);

/// Replaces `[split]` of a scenario's document and its one `[[pool]]` by two pools: each is the template with the keys
/// of
/// `[split.prefill]` or `[split.decode]` laid over it, its role and its replicas, to be read and validated like any
/// other. Does nothing without `[split]`; trouble lands in `errors`, and then the document is not to be read.
void expand_split(TomlNode& document, TomlErrors& errors);

}  // namespace replayd
