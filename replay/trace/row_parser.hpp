#pragma once
// The lines of one trace format as rows: CSV with a header, or one JSON object a line.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/trace/row_builder.hpp"

namespace replayd {

/// Errors are invalid_argument and say what is wrong inside the line; the caller adds file and line.
class RowParser {
public:
    virtual ~RowParser() = default;
    /// True while the next line is a header, which `header` takes; most formats have none.
    [[nodiscard]] virtual bool wants_header() const { return false; }
    [[nodiscard]] virtual Result<void> header(std::string_view /*line*/) { return {}; }
    /// Row `row_number` (from 0) of the trace, or null for a line that tells of something else. The result stays valid
    /// until the next call.
    [[nodiscard]] virtual Result<TraceRow*> row(std::string_view line, std::int64_t row_number) = 0;
    /// Columns or members met so far that mean nothing for an arrival and that the format does not
    /// know, in order of appearance, at most 16.
    [[nodiscard]] const std::vector<std::string>& ignored_fields() const { return ignored_fields_; }

protected:
    void ignore(std::string_view name);

private:
    std::vector<std::string> ignored_fields_;
};

/// The field of that name; null when the format has none.
[[nodiscard]] const FieldName* find_field(const FormatTraits& format, std::string_view name);

/// The parser of `format`.
[[nodiscard]] std::unique_ptr<RowParser> make_row_parser(const FormatTraits& format, RowOptions options);

}  // namespace replayd
