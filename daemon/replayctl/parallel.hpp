#pragma once
// The same work on several things at once.

#include <cstddef>
#include <functional>

namespace replayd::ctl {

/// Calls `work(0)` to `work(count - 1)`, each once, on at most `threads` threads (0: as many as there are cores), and
/// returns when all are done. `work` must not throw.
void for_each_in_parallel(std::size_t count, const std::function<void(std::size_t)>& work, std::size_t threads = 0);

}  // namespace replayd::ctl
