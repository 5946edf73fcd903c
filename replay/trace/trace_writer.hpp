#pragma once
// Writes arrivals in any trace format, as text appended to a string. What a format has no place for is
// left out; times and tokens are exact. Reading the text back gives the same arrivals as far as the format
// holds them, except that `azure` and `vllm` files have no zero of their own.

#include <string>

#include "replay/base/error.hpp"
#include "replay/trace/arrival.hpp"
#include "replay/trace/trace_format.hpp"

namespace replayd {

class TraceWriter {
public:
    /// Precondition: `check`.
    explicit TraceWriter(TraceFormat format) : format_(traits(format)) {}

    /// Error invalid_argument for a format that is only read.
    [[nodiscard]] static Result<void> check(TraceFormat format);

    /// Appends the line of `arrival` (before the first one the header, where the format has one) to `out`.
    /// `mooncake` and `aiperf` keep prefix hashes only in their blocks of 512 tokens. Error
    /// invalid_argument, with `out` unchanged, for an arrival that breaks `violation`'s rules, or whose text
    /// or time the format cannot express (a line break in CSV, a date past the year 2200).
    [[nodiscard]] Result<void> write(const Arrival& arrival, std::string& out);

private:
    const FormatTraits& format_;
    bool begun_ = false;
};

}  // namespace replayd
