#pragma once
// The trace of a command: a file, or the first part of one, in slices of arrivals. Reading it again with the same
// input gives the same arrivals.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/files/trace_file.hpp"
#include "daemon/replayctl/progress_bar.hpp"
#include "daemon/replayctl/repeated_ids.hpp"
#include "daemon/replayctl/trace_shaping.hpp"

namespace replayd::ctl {

/// What the command line says about a trace.
struct TraceInput {
    std::string path;            ///< "-" is standard input
    TraceOptions options;        ///< `origin` is set from the path
    std::optional<std::int64_t> limit;  ///< arrivals at most, of those that are kept; 1 or more
    ShapingOptions shaping;
    std::optional<files::FollowOptions> follow;  ///< these files as they grow, instead of `path`
};

class TraceSource {
public:
    /// Errors as of TraceFile::open, and `invalid_argument` for shaping out of range.
    [[nodiscard]] static Result<TraceSource> open(const TraceInput& input);

    /// The next arrivals, at most `count`; none at the end, or while followed files bring none. Errors as of
    /// TraceFile::next.
    [[nodiscard]] Result<std::vector<Arrival>> take(std::size_t count);

    /// Whether `take` will bring nothing any more; of followed files it may bring nothing for now only.
    [[nodiscard]] bool ended() const {
        return (limit_ && taken_ >= *limit_) || (file_.ended() && next_ == held_.size());
    }

    [[nodiscard]] std::int64_t taken() const { return taken_; }
    [[nodiscard]] const files::TraceFile& file() const { return file_; }
    /// How far reading is; `detail` is the caller's.
    [[nodiscard]] Progress progress() const;
    /// Requests so far whose id an earlier one has.
    [[nodiscard]] std::int64_t repeated_ids() const { return ids_.count(); }
    /// What a person should know of the arrivals so far, a sentence each: rows of failed requests and fields without a
    /// meaning here that were passed over, repeated ids.
    [[nodiscard]] std::vector<std::string> remarks() const;

private:
    TraceSource(files::TraceFile file, const TraceInput& input)
        : file_(std::move(file)), limit_(input.limit), shaping_(input.shaping), shaper_(input.shaping) {}

    files::TraceFile file_;
    std::optional<std::int64_t> limit_;
    ShapingOptions shaping_;
    TraceShaper shaper_;
    std::vector<Arrival> held_;   ///< read and not taken, from `next_` on
    std::size_t next_ = 0;
    std::int64_t taken_ = 0;
    RepeatedIds ids_;
};

}  // namespace replayd::ctl
