#pragma once
// Which requests of a stream's runs get a row in `request`. Windows, histograms and gauges cover every request anyway;
// what gets no row is counted in the run. The choice is a pure function of the request's record, so that a rebuilt run
// keeps the same rows. A value: any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"
#include "replay/sim/records.hpp"
#include "replay/sim/slo_classes.hpp"

namespace replayd::storage {

class RequestPolicy {
public:
    /// Keeps every request.
    RequestPolicy() = default;

    /// Of "all", "none", "objective_breaks" or "sampled:SHARE" with 0 < SHARE < 1; an empty text is "all". Error
    /// `invalid_argument`, which begins with "request_rows is".
    [[nodiscard]] static Result<RequestPolicy> parse(std::string_view text);
    /// As `parse` takes it, with the shortest digits of the share.
    [[nodiscard]] std::string text() const;

    [[nodiscard]] bool keeps_all() const { return kind_ == Kind::all; }
    /// What is kept depends on objectives.
    [[nodiscard]] bool needs_objectives() const { return kind_ == Kind::objective_breaks; }

    /// Whether the request gets a row. "sampled" looks at the request's id alone, so that every run of the stream keeps
    /// the same requests; "objective_breaks" keeps those that were rejected or missed an objective of their class in
    /// this run.
    [[nodiscard]] bool keeps(const RequestRecord& record, const SloClasses& classes) const;

private:
    enum class Kind { all, none, objective_breaks, sampled };
    Kind kind_ = Kind::all;
    double share_ = 1;                 ///< with Kind::sampled
    std::uint64_t hashes_below_ = 0;   ///< likewise: ids whose hash is below it are kept
};

/// "; its stream keeps rows by request_rows = sampled:0.01, …": for messages about a request without a row; nothing
/// where every request gets one. `policy` as in the stream's row.
[[nodiscard]] std::string policy_remark(std::string_view policy);

}  // namespace replayd::storage
