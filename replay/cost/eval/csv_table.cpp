#include "replay/cost/eval/csv_table.hpp"

#include <algorithm>

namespace replayd::cost {
namespace {

std::vector<std::string_view> cells_of(std::string_view line) {
    std::vector<std::string_view> cells;
    while (true) {
        const std::size_t comma = line.find(',');
        cells.push_back(line.substr(0, comma));
        if (comma == std::string_view::npos) return cells;
        line.remove_prefix(comma + 1);
    }
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

Result<void> check_header(std::string_view name, const std::vector<std::string_view>& header) {
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (header[i].empty()) {
            return fail(Code::invalid_argument, std::string(name) + ": column " + std::to_string(i + 1) +
                                                    " of the header has no name; write one");
        }
        if (std::count(header.begin(), header.end(), header[i]) > 1) {
            return fail(Code::invalid_argument,
                        std::string(name) + ": the column " + quoted(header[i]) + " stands twice in the header; keep one");
        }
    }
    return {};
}

}  // namespace

std::optional<std::size_t> CsvTable::column(std::string_view name) const {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found == header.end()) return std::nullopt;
    return static_cast<std::size_t>(found - header.begin());
}

Result<CsvTable> parse_csv(std::string_view name, std::string_view text) {
    CsvTable table;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const std::string where = std::string(name) + ", line " + std::to_string(number);
        if (line.find('"') != std::string_view::npos) {
            return fail(Code::invalid_argument, where + ": quoted cells are not read; write plain values without '\"'");
        }
        auto cells = cells_of(line);
        if (table.header.empty()) {
            if (auto checked = check_header(name, cells); !checked) return tl::unexpected(checked.error());
            table.header = std::move(cells);
            continue;
        }
        if (cells.size() != table.header.size()) {
            return fail(Code::invalid_argument, where + ": " + std::to_string(cells.size()) + " cells, but the header has " +
                                                    std::to_string(table.header.size()) + " columns; mend the line");
        }
        table.rows.push_back(std::move(cells));
    }
    if (table.header.empty()) {
        return fail(Code::invalid_argument, std::string(name) + ": empty; a header line with the column names was expected");
    }
    return table;
}

}  // namespace replayd::cost
