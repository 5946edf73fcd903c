#pragma once
// When things start: a seeded point process on virtual time.

#include "replay/base/random.hpp"
#include "replay/base/units.hpp"
#include "replay/trace/generator_options.hpp"

namespace replayd {

/// Rates that vary are drawn by thinning a Poisson process of the highest rate (Lewis and Shedler, 1979).
class ArrivalProcess {
public:
    /// Precondition: options in their ranges. `rate_per_s` replaces the options' rate.
    ArrivalProcess(const ArrivalOptions& options, double rate_per_s, std::uint64_t seed);

    /// The next start; never before the one before it. Expected O(highest rate / mean rate).
    [[nodiscard]] VirtualTime next();

private:
    [[nodiscard]] Duration gap();
    /// Rate at `at_` over the highest rate, 0 to 1.
    [[nodiscard]] double acceptance() const;

    ArrivalOptions options_;
    double rate_max_per_s_;
    Random random_;
    VirtualTime at_{0};
};

}  // namespace replayd
