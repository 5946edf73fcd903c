#pragma once
// Builds the statistics window that is open at the moment. The engine closes it when virtual time passes its
// end, after bringing every replica up to that instant.

#include <cstdint>
#include <utility>
#include <vector>

#include "replay/base/units.hpp"
#include "replay/catalog/scenario.hpp"
#include "replay/sim/records.hpp"
#include "replay/sim/slo_classes.hpp"

namespace replayd {

/// Work of steps that ended, of one pool.
struct StepTotals {
    std::int64_t steps = 0;
    std::int64_t prefill_tokens = 0;
    std::int64_t output_tokens = 0;
    std::int64_t tokens = 0;
    std::int64_t sequences = 0;
};

class WindowAccumulator {
public:
    WindowAccumulator(Duration length, SloClasses classes, std::size_t pools);

    [[nodiscard]] const SloClasses& classes() const { return classes_; }
    /// Other objectives and priorities from now on. Precondition: the same names.
    void change(SloClasses classes) { classes_ = std::move(classes); }

    [[nodiscard]] VirtualTime end() const { return window_.start + window_.length; }
    /// Nothing has been counted in the open window.
    [[nodiscard]] bool untouched() const { return untouched_; }

    void count_arrival() { ++touch().arrived; }
    void count_preemption() { ++touch().preemptions; }
    void count_cached(Tokens tokens) { touch().cached_tokens += tokens; }
    void count_first_token(Duration ttft) { note(ttfts_, touch().ttft, ttft); }
    void count_steps(std::size_t pool, const StepTotals& totals);
    void count_busy(std::size_t pool, Duration busy);
    /// A request that ended, finished or rejected; `slo_class` is the number of its class.
    void count_outcome(const RequestRecord& record, std::int32_t slo_class);

    /// What a replica holds at the open window's end; left out where it is what was noted last. Replicas are noted in
    /// ascending order.
    void note_replica(const ReplicaWindow& state);
    /// The next window has every replica again.
    void forget_replicas() { noted_.clear(); }

    /// The open window, for the engine to fill in the states at its end.
    WindowRecord& open() { return window_; }
    /// Hands the window out and opens the next one.
    WindowRecord close();
    /// Opens the window that contains `time` without emitting the empty ones between.
    void skip_to(VirtualTime time);

private:
    WindowRecord& touch() {
        untouched_ = false;
        return window_;
    }
    void reset(VirtualTime start);
    /// Values wait for each other: a histogram takes many at once far faster than one by one.
    static void note(std::vector<std::int64_t>& values, Histogram& histogram, Duration value) {
        values.push_back(value.value);
        if (values.size() == k_values_held) flush(values, histogram);
    }
    static void flush(std::vector<std::int64_t>& values, Histogram& histogram) {
        histogram.record_all(values);
        values.clear();
    }

    static constexpr std::size_t k_values_held = 4'096;

    Duration length_;
    SloClasses classes_;
    std::size_t pools_;
    WindowRecord window_;
    std::vector<std::int64_t> ttfts_;  ///< of the open window, not in its histograms yet; likewise the others
    std::vector<std::int64_t> tpots_;
    std::vector<std::int64_t> e2es_;
    std::vector<std::int64_t> queues_;
    std::vector<ReplicaWindow> noted_;  ///< last of each replica
    bool untouched_ = true;
};

/// Whether a finished request met every objective that `slo` states. TPOT counts as met with one token.
[[nodiscard]] bool within_slo(const RequestRecord& record, const SloSpec& slo);

}  // namespace replayd
