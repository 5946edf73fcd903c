#pragma once
// What the command line makes of the arrivals of a trace: a part of its conversations, another pace, shorter pauses,
// longer or shorter requests. The same
// trace and options always give the same arrivals.

#include <cstdint>
#include <optional>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/trace/arrival.hpp"

namespace replayd::ctl {

struct ShapingOptions {
    /// share of the conversations that are kept, whole; above 0, at most 1. A request without one is its own
    double sample = 1;
    std::uint64_t seed = 1;  ///< which of them
    double time_scale = 1;   ///< times from the first arrival on are multiplied by it: 0.5 is twice the load; above 0
    std::optional<Duration> idle_max{};  ///< a longer pause between two arrivals becomes so short; after scaling

    /// Prompt and output tokens are multiplied by these, rounded, at least 1. What a prompt gets more is new to every
    /// prefix cache; one that gets shorter loses its end. What production observed is of other lengths then, and is
    /// left out.
    double prompt_scale = 1;
    double output_scale = 1;

    [[nodiscard]] bool changes_lengths() const { return prompt_scale != 1 || output_scale != 1; }
    [[nodiscard]] bool changes_anything() const {
        return sample < 1 || time_scale != 1 || idle_max.has_value() || changes_lengths();
    }
};

/// "--sample is 0: expected …", or nothing.
[[nodiscard]] Result<void> check_shaping(const ShapingOptions& options);

class TraceShaper {
public:
    explicit TraceShaper(const ShapingOptions& options) : options_(options) {}

    /// Takes out what is not sampled and changes the rest, which continues the arrivals before. Error
    /// `invalid_argument` for a request that has too many tokens then.
    [[nodiscard]] Result<void> shape(std::vector<Arrival>& arrivals);

    [[nodiscard]] std::int64_t left_out() const { return left_out_; }       ///< requests of other conversations
    [[nodiscard]] std::int64_t pauses_cut() const { return pauses_cut_; }
    [[nodiscard]] Duration cut() const { return cut_; }                     ///< what pauses lost in all
    /// Requests that lost what production observed.
    [[nodiscard]] std::int64_t unobserved() const { return unobserved_; }

private:
    [[nodiscard]] bool keeps(const Arrival& arrival) const;
    void move(Arrival& arrival);
    [[nodiscard]] Result<void> scale(Arrival& arrival);

    ShapingOptions options_;
    std::optional<VirtualTime> first_;
    VirtualTime last_;  ///< of the last arrival, scaled, before pauses were cut
    Duration cut_{0};
    std::int64_t pauses_cut_ = 0;
    std::int64_t left_out_ = 0;
    std::int64_t unobserved_ = 0;
};

}  // namespace replayd::ctl
