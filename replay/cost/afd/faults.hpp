#pragma once
// What servers that are late or silent do to a step.

#include <span>

#include "replay/base/units.hpp"
#include "replay/catalog/afd_spec.hpp"

namespace replayd::afd {

/// A step under faults. A server that stays silent fails the step for all its requests when the timeout has passed; the
/// requests keep their KV, the step is tried again, and every try fails the same way until the server answers again.
struct FaultedStep {
    Duration duration{0};           ///< with everything lost to failed tries
    std::int64_t failed_tries = 0;  ///< each ended by a timeout
};

/// The step of replica `replica` of a pool that begins at `begin` and would take `step`. Hit by a fault are tries that
/// are under way when it begins, or begin while it lasts. A delay up to the timeout lengthens the step by itself, once;
/// one beyond it is silence. Ends for any faults: a try costs at least the timeout, which is above 0.
[[nodiscard]] FaultedStep step_under_faults(const AfdSpec& afd, std::int64_t replica, VirtualTime begin, Duration step);

/// Whether any fault of that replica is not over at `time`.
[[nodiscard]] bool faults_ahead(const AfdSpec& afd, std::int64_t replica, VirtualTime time);

}  // namespace replayd::afd
