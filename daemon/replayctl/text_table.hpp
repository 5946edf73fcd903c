#pragma once
// A table in plain text: columns as wide as their widest cell, two spaces between them.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace replayd::ctl {

enum class Align { left, right };

/// Characters (not bytes) that UTF-8 `text` takes on a terminal, wide and combining characters aside.
[[nodiscard]] std::size_t text_width(std::string_view text);

class TextTable {
public:
    struct Column {
        std::string title;
        Align align = Align::left;
    };

    explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// Precondition: one cell per column.
    void add_row(std::vector<std::string> cells);
    /// A line across the table, at most 120 characters long.
    void add_rule();

    /// Titles (unless all are empty), a rule and the rows; every line ends in '\n' and has no spaces before it.
    [[nodiscard]] std::string render() const;

private:
    using Row = std::vector<std::string>;  ///< no cells: a rule
    void append_line(std::string& out, const Row& cells, const std::vector<std::size_t>& widths) const;

    std::vector<Column> columns_;
    std::vector<Row> rows_;
};

}  // namespace replayd::ctl
