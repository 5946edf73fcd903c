#pragma once
// A CSV text taken apart: a header and rows of cells, without quoting (the kernel tables have none).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd::cost {

/// Cells are views into the text that was parsed; it must outlive the table.
struct CsvTable {
    std::vector<std::string_view> header;
    std::vector<std::vector<std::string_view>> rows;

    /// Position of a column in the header.
    [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
};

/// Lines may end in "\n" or "\r\n"; blank lines and lines that begin with '#' are left out. `name` stands in
/// the messages. Error `invalid_argument` for an empty text, a repeated or empty column name, a quote, and a
/// row with another number of cells than the header.
[[nodiscard]] Result<CsvTable> parse_csv(std::string_view name, std::string_view text);

}  // namespace replayd::cost
