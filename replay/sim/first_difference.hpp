#pragma once
// The first event in which two runs of the same arrivals differ. Both are driven on side by side; as long as their
// state hashes are equal they have done the same. Where they are not any more, copies from before the last arrivals are
// driven to the middle of the time in question, again and again, until one nanosecond is left.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "replay/sim/events.hpp"
#include "replay/sim/moment.hpp"
#include "replay/sim/run.hpp"

namespace replayd {

/// What one of the two runs did.
struct DifferentSide {
    std::optional<RunEvent> event;  ///< its first that is not the other's; absent: it does nothing more at that moment
    /// When it does what the other run did, if it does so before the arrivals in hand are used up.
    std::optional<VirtualTime> same_later;
    std::string request;            ///< id of the event's request, where it waits or runs before or after the event
    std::int32_t replica = -1;      ///< where it does; -1: nowhere
    Moment before;                  ///< its state when everything before the moment had happened; no lists of requests
};

struct FirstDifference {
    VirtualTime at;
    std::int64_t equal_events = 0;  ///< at that moment, before the first different one
    DifferentSide a;
    DifferentSide b;
};

class DifferenceSearch {
public:
    /// Of two runs that have seen the same arrivals and done the same so far. They are copied.
    DifferenceSearch(const Run& a, const Run& b);

    /// Offers `arrivals` to both and lets both go on to `watermark`. True when they differ: then `narrow` until it is
    /// false.
    [[nodiscard]] bool advance(std::span<const Arrival> arrivals, VirtualTime watermark);
    /// No arrival follows. As advance.
    [[nodiscard]] bool finish();
    /// One of the two goes on under another scenario (Run::fork).
    [[nodiscard]] Result<void> change_a(const std::shared_ptr<const CompiledScenario>& changed) {
        return change(a_, changed);
    }
    [[nodiscard]] Result<void> change_b(const std::shared_ptr<const CompiledScenario>& changed) {
        return change(b_, changed);
    }

    /// Halves the time in question; false when the moment is found.
    [[nodiscard]] bool narrow();
    /// Precondition: narrow has answered false.
    [[nodiscard]] FirstDifference result() const;

    /// Both have done the same up to here.
    [[nodiscard]] VirtualTime equal_until() const { return equal_until_; }

private:
    [[nodiscard]] static Result<void> change(Run& run, const std::shared_ptr<const CompiledScenario>& changed);
    void keep();
    [[nodiscard]] bool differs(VirtualTime at);

    Run a_;
    Run b_;
    Run kept_a_;   ///< as they were when they were equal last, with the arrivals offered since
    Run kept_b_;
    VirtualTime equal_until_;
    VirtualTime different_at_;  ///< everything before: there they differ
    VirtualTime known_until_;   ///< how far the arrivals in hand go
};

}  // namespace replayd
