#pragma once
// Bytes in chunks of any size become lines: LF or CRLF, the last line with or without its end.

#include <functional>
#include <string>
#include <string_view>

#include "replay/base/error.hpp"

namespace replayd {

class LineSplitter {
public:
    /// Longest line taken, without its end: more is an error `too_large`. A row with a 100,000-token prompt
    /// as text stays far below.
    static constexpr std::size_t k_line_bytes_max = 16U << 20U;

    /// Called with each line, without its end, and its number from 1.
    using OnLine = std::function<Result<void>(std::string_view line, std::int64_t number)>;

    /// Passes on every line that `bytes` completes. Stops at the first error, `on_line`'s or its own.
    [[nodiscard]] Result<void> feed(std::string_view bytes, const OnLine& on_line);
    /// Passes on a last line that had no end.
    [[nodiscard]] Result<void> finish(const OnLine& on_line);
    /// Number of the line that is being read, from 1; after an error, of the line at fault.
    [[nodiscard]] std::int64_t line() const { return done_ + 1; }

private:
    [[nodiscard]] Result<void> pass(std::string_view line, const OnLine& on_line);

    std::string partial_;
    std::int64_t done_ = 0;
};

}  // namespace replayd
