#pragma once
// A CSV text taken apart: a header and rows of cells, quoted as in RFC 4180 where they are quoted.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd::cost {

/// A line of the text that is not blank and no comment.
struct CsvLine {
    std::size_t number = 0;  ///< in the text, from 1
    std::string_view text;   ///< as it stands there, without its end
};

/// Cells and lines are views into the text that was parsed; it must outlive the table.
struct CsvTable {
    std::vector<std::string_view> header;
    std::vector<std::vector<std::string_view>> rows;
    CsvLine header_line;
    std::vector<CsvLine> lines;                          ///< of `rows`
    std::vector<std::unique_ptr<std::string>> unquoted;  ///< what cells with quotes in them view

    /// Position of a column in the header.
    [[nodiscard]] std::optional<std::size_t> column(std::string_view name) const;
    /// "'a', 'b', 'c'": the names of the columns, for messages; cut after the first few hundred characters.
    [[nodiscard]] std::string header_text() const;
};

/// Lines may end in "\n" or "\r\n"; a byte order mark in front, blank lines and lines that begin with '#' are left
/// out. A cell may stand in quotes, where two quotes are one and a comma is a comma; it ends on its line. `name`
/// stands in the messages. Error `invalid_argument` for an empty text, a repeated or empty column name, a misplaced
/// quote, and a row with another number of cells than the header.
[[nodiscard]] Result<CsvTable> parse_csv(std::string_view name, std::string_view text);

}  // namespace replayd::cost
