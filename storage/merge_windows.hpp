#pragma once
// Two neighbouring windows of a run as one.

#include "replay/sim/records.hpp"

namespace replayd::storage {

/// Makes `into` the window that covers both. `next` is of the same run and starts later. Sums and histograms add
/// up exactly; states (waiting, running, transferring, KV blocks) are those at the end of `next`.
void append_window(WindowRecord& into, const WindowRecord& next);

}  // namespace replayd::storage
