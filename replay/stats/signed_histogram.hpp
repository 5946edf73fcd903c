#pragma once
// A histogram of differences: as Histogram, for values of either sign.

#include <cmath>
#include <cstdint>

#include "replay/stats/histogram.hpp"

namespace replayd {

class SignedHistogram {
public:
    /// Counts `value` once.
    void record(std::int64_t value) {
        if (value < 0) {
            below_.record(-value);
        } else {
            others_.record(value);
        }
    }

    [[nodiscard]] std::int64_t count() const { return below_.count() + others_.count(); }
    [[nodiscard]] std::int64_t sum() const { return others_.sum() - below_.sum(); }
    [[nodiscard]] std::int64_t min() const { return below_.count() > 0 ? -below_.max() : others_.min(); }
    [[nodiscard]] std::int64_t max() const { return others_.count() > 0 ? others_.max() : -below_.min(); }

    /// The ceil(q·count)-th smallest value, q in [0, 1], off by at most 1/128 of its size. 0 when empty.
    [[nodiscard]] std::int64_t quantile(double q) const {
        if (count() == 0) return 0;
        const auto whole = static_cast<double>(count());
        const auto rank = static_cast<std::int64_t>(std::fmax(1.0, std::ceil(q * whole)));
        // The middle of a rank: rounding cannot carry it into the next one.
        const auto share = [](std::int64_t of_rank, std::int64_t of) {
            return (static_cast<double>(of_rank) - 0.5) / static_cast<double>(of);
        };
        if (rank <= below_.count()) return -below_.quantile(share(below_.count() - rank + 1, below_.count()));
        return others_.quantile(share(rank - below_.count(), others_.count()));
    }

private:
    Histogram below_;   ///< sizes of the values below 0
    Histogram others_;
};

}  // namespace replayd
