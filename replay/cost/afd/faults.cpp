#include "replay/cost/afd/faults.hpp"

#include <algorithm>

namespace replayd::afd {
namespace {

bool is_silent(const AfdFault& fault, Duration timeout) {
    return fault.delay.value == 0 || fault.delay > timeout;
}

bool hits(const AfdFault& fault, std::int64_t replica, VirtualTime begin, Duration step) {
    return fault.replica == replica && fault.from < begin + step && begin < fault.until;
}

}  // namespace

FaultedStep step_under_faults(const AfdSpec& afd, std::int64_t replica, VirtualTime begin, Duration step) {
    FaultedStep out;
    VirtualTime now = begin;
    const auto silent = [&](const AfdFault& fault) {
        return is_silent(fault, afd.timeout) && hits(fault, replica, now, step);
    };
    for (auto fault = std::find_if(afd.faults.begin(), afd.faults.end(), silent); fault != afd.faults.end();
         fault = std::find_if(afd.faults.begin(), afd.faults.end(), silent)) {
        // The server falls silent in the first of these tries, if not before; the others fail from their beginning.
        now = std::max(now, fault->from) + afd.timeout;
        ++out.failed_tries;
        if (now >= fault->until) continue;
        const std::int64_t more = ceil_div((fault->until - now).value, afd.timeout.value);
        now = now + afd.timeout * more;
        out.failed_tries += more;
    }
    Duration late{0};
    for (const AfdFault& fault : afd.faults) {
        if (!is_silent(fault, afd.timeout) && hits(fault, replica, now, step)) late = std::max(late, fault.delay);
    }
    out.duration = now - begin + step + late;
    return out;
}

bool faults_ahead(const AfdSpec& afd, std::int64_t replica, VirtualTime time) {
    return std::any_of(afd.faults.begin(), afd.faults.end(),
                       [&](const AfdFault& fault) { return fault.replica == replica && time < fault.until; });
}

}  // namespace replayd::afd
