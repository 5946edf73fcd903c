#pragma once
// How near a replay comes to what production observed: means and percentiles of TTFT, TPOT and end-to-end time.

#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "replay/base/error.hpp"
#include "replay/sim/run.hpp"

namespace replayd::ctl {

/// One figure, in nanoseconds.
struct Compared {
    double observed = 0;
    double predicted = 0;
    [[nodiscard]] double error() const { return predicted / observed - 1; }
};

/// Mean, p50, p90, p99.
inline constexpr std::array<std::string_view, 4> k_figures = {"mean", "p50", "p90", "p99"};

struct RunErrors {
    std::array<Compared, k_figures.size()> ttft;
    std::array<Compared, k_figures.size()> tpot;
    std::array<Compared, k_figures.size()> e2e;
};

/// Finished requests against what they carry as observed. Error `invalid_argument` for one without, for a rejected one,
/// and where none has two output tokens.
[[nodiscard]] Result<RunErrors> compare(std::span<const RequestRecord> records);

/// Replays `arrivals`, which carry what was observed, on `scenario`. Errors as of compare.
[[nodiscard]] Result<RunErrors> replay_errors(std::shared_ptr<const CompiledScenario> scenario,
                                              std::span<const Arrival> arrivals);

/// A request takes some milliseconds from the client to the engine; which step sees it first, and so which rank it goes
/// to and who is evicted, is chance. This is the mean prediction over k_chances replays whose arrivals are late by up
/// to k_way_max each, drawn with a fixed seed. Errors as of compare.
inline constexpr int k_chances = 24;
inline constexpr Duration k_way_max{5 * k_ns_per_ms};
[[nodiscard]] Result<RunErrors> mean_replay_errors(const std::shared_ptr<const CompiledScenario>& scenario,
                                                   std::span<const Arrival> arrivals);

}  // namespace replayd::ctl
