#pragma once
// Assertions that stay on in release builds: a simulator that continues on a broken invariant lies.

#include <cstdio>
#include <cstdlib>

namespace replayd {

[[noreturn]] inline void assertion_failed(const char* what, const char* file, int line) {
    std::fprintf(stderr, "replayd: broken invariant: %s (%s:%d)\n", what, file, line);
    std::abort();
}

}  // namespace replayd

/// Aborts with the text of the condition when it does not hold. The condition must be cheap.
#define REPLAYD_ASSERT(condition)                                              \
    (static_cast<bool>(condition) ? static_cast<void>(0)                       \
                                  : ::replayd::assertion_failed(#condition, __FILE__, __LINE__))
