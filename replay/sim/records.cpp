#include "replay/sim/records.hpp"

namespace replayd {

Duration Ledger::sum() const {
    Duration total{0};
    for (const Duration part : parts) total += part;
    return total;
}

std::optional<Duration> RequestRecord::tpot() const {
    if (outcome != Outcome::finished || output.value < 2) return std::nullopt;
    return Duration((finished - first_token).value / (output.value - 1));
}

std::optional<Duration> RequestRecord::observed_gap() const {
    if (output.value < 2) return std::nullopt;
    if (observed_tpot) return observed_tpot;
    if (!observed_ttft || !observed_e2e || *observed_e2e < *observed_ttft) return std::nullopt;
    return Duration((*observed_e2e - *observed_ttft).value / (output.value - 1));
}

}  // namespace replayd
