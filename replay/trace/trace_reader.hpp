#pragma once
// Reads any known trace format, pushed in as bytes in chunks of any size; arrivals come out in order of
// time. Pure: the result depends on the bytes and the options, not on how the bytes were cut.
//
// Formats that log in order of arrival stream through; a time that goes back is an error with its line.
// `vllm` and `aiperf` files need not be in order: their rows are held and sorted (stably) by `finish`.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/trace/arrival.hpp"
#include "replay/trace/trace_format.hpp"

namespace replayd {

/// Tokens of a block in Mooncake's `hash_ids`. Source: Mooncake, FAST 2025, trace description.
inline constexpr Tokens k_mooncake_block{512};

struct TraceOptions {
    std::string origin = "trace";           ///< the file's name, in messages
    std::optional<TraceFormat> format;      ///< found from the first line when absent
    std::optional<TimeUnit> time_unit;      ///< of numeric times, where it is not the format's own
    Tokens prefix_block = k_mooncake_block; ///< of `hash_ids`, 1 or more (Alibaba's Bailian traces: 16)
    std::optional<bool> sort;               ///< hold and sort all rows; the format's own rule when absent
    bool skip_failed_rows = false;          ///< leave out, and count, rows with 0 output tokens
    bool start_at_zero = false;             ///< shift times so that the first arrival is at 0
    std::optional<Duration> reorder;        ///< rows that are sorted are out of order by so much at most: they are held
                                            ///< so long, not all of them
    bool spread_bins = false;               ///< spread arrivals of equal time over the gap to the next one
    std::optional<Duration> spread_width;   ///< likewise, over so much of the gap at most: the length of the log's bins
};

struct TraceStats {
    std::int64_t rows = 0;                    ///< requests read, skipped ones included
    std::int64_t failed_rows_skipped = 0;
    std::vector<std::string> ignored_fields;  ///< unknown columns or members passed over, at most 16
};

class TraceReader {
public:
    explicit TraceReader(TraceOptions options);
    ~TraceReader();
    TraceReader(TraceReader&&) noexcept;
    TraceReader& operator=(TraceReader&&) noexcept;

    /// Takes the next bytes of the file and appends the arrivals that they complete to `out`; each fulfils
    /// `violation() == nullopt`. Ids of traces without ids are the row's number from 0. On an error
    /// (invalid_argument or too_large, `ORIGIN:LINE: FIELD is "VALUE": expected ...`) the rows before the
    /// bad one are in `out`, and every later call answers the same error.
    [[nodiscard]] Result<void> feed(std::string_view bytes, std::vector<Arrival>& out);

    /// No byte follows: takes the last line and appends the rest. A trace without a request is an error.
    [[nodiscard]] Result<void> finish(std::vector<Arrival>& out);

    [[nodiscard]] TraceStats stats() const;
    /// Absent until the first line is complete, unless the options name it.
    [[nodiscard]] std::optional<TraceFormat> format() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace replayd
