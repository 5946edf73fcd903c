#pragma once
// One line on a terminal that tells how far a long command is. Prints nothing where standard error is no terminal.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace replayd::ctl {

/// How far a command is.
struct Progress {
    double ratio = 0;             ///< 0 to 1; ignored without `known`
    bool known = true;            ///< whether the end is in sight
    std::int64_t items = 0;       ///< done so far
    std::string unit;             ///< of the items: "arrivals"
    std::string detail;           ///< shown at the end of the line; may be empty
};

/// The line for `progress` after `elapsed` of wall time: bar, percentage, items, rate and time left.
[[nodiscard]] std::string progress_line(const Progress& progress, std::chrono::nanoseconds elapsed);

class ProgressBar {
public:
    /// Draws only where standard error is a terminal.
    ProgressBar();
    /// Wipes the line.
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;

    /// Draws at most ten times a second, so that callers may call it as often as they like.
    void update(const Progress& progress);
    /// Removes the line, so that other text can be printed; the next update draws it again.
    void wipe();

private:
    using Clock = std::chrono::steady_clock;

    const bool enabled_;
    const Clock::time_point start_;
    std::optional<Clock::time_point> drawn_;
};

}  // namespace replayd::ctl
