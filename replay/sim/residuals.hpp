#pragma once
// Observed against predicted: what production measured of the requests of a run beside what the run says, by windows of
// virtual time, and the alarm when the two drift apart.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "replay/base/units.hpp"
#include "replay/catalog/drift_spec.hpp"
#include "replay/sim/records.hpp"
#include "replay/stats/histogram.hpp"

namespace replayd {

/// What is compared. Latencies in nanoseconds; cached tokens are prompt tokens found in a prefix cache.
enum class ResidualMetric : std::uint8_t { ttft, tpot, e2e, cached_tokens };
inline constexpr std::size_t k_residual_metrics = 4;
/// Stable names, indexed by ResidualMetric: SQL, JSON keys and labels.
inline constexpr std::array<std::string_view, k_residual_metrics> k_residual_metric_names = {"ttft", "tpot", "e2e",
                                                                                             "cached_tokens"};

/// Sums of one metric over the finished requests that carry an observation of it.
struct ResidualSums {
    std::int64_t count = 0;
    std::int64_t predicted = 0;
    std::int64_t observed = 0;
    std::int64_t scale = 0;           ///< what a bias is relative to: `observed`; of cached tokens the prompt tokens
    double relative_errors = 0;       ///< Σ |predicted - observed| / observed over those with an observation above 0
    std::int64_t relative_count = 0;  ///< how many those are
    Histogram absolute_errors;        ///< of |predicted - observed|
    bool alarm = false;               ///< raised after this window; of merged windows, after one of them

    void add(std::int64_t was_predicted, std::int64_t was_observed, std::int64_t base);
    void merge(const ResidualSums& other);
    /// (predicted - observed) / scale: above 0 where the run is too slow, or caches too much. Absent without a scale.
    [[nodiscard]] std::optional<double> bias() const;
    /// Mean absolute relative error. Absent where nothing above 0 was observed.
    [[nodiscard]] std::optional<double> mape() const;

    bool operator==(const ResidualSums&) const = default;
};

struct ResidualWindow {
    VirtualTime start;
    Duration length{0};
    std::array<ResidualSums, k_residual_metrics> metrics;

    [[nodiscard]] ResidualSums& operator[](ResidualMetric metric) { return metrics[static_cast<std::size_t>(metric)]; }
    [[nodiscard]] const ResidualSums& operator[](ResidualMetric metric) const {
        return metrics[static_cast<std::size_t>(metric)];
    }
    bool operator==(const ResidualWindow&) const = default;
};

/// Adds the sums of a later window, so that `into` spans both.
void append_residuals(ResidualWindow& into, const ResidualWindow& next);

/// Takes the requests of a run in the order in which they finish.
class ResidualTracker {
public:
    explicit ResidualTracker(const DriftSpec& rule) : rule_(rule) {}

    /// Counts a request, which may close the window before its own. Requests that were rejected or carry nothing
    /// observed are passed over; windows without any of the others do not exist.
    [[nodiscard]] std::optional<ResidualWindow> add(const RequestRecord& record);
    /// The window under way, if any: no request follows.
    [[nodiscard]] std::optional<ResidualWindow> finish();

private:
    /// Counted windows in a row.
    struct Streak {
        std::int64_t off = 0;
        std::int64_t near = 0;
        bool alarm = false;
    };
    void judge(ResidualWindow& window);

    DriftSpec rule_;
    std::optional<ResidualWindow> current_;
    std::array<Streak, k_residual_metrics> streaks_;
};

}  // namespace replayd
