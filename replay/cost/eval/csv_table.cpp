#include "replay/cost/eval/csv_table.hpp"

#include <algorithm>

namespace replayd::cost {
namespace {

constexpr std::string_view k_byte_order_mark = "\xef\xbb\xbf";
constexpr std::size_t k_header_text_max = 400;

/// Takes the cells of a line one after the other.
class CellReader {
public:
    CellReader(std::string_view line, std::vector<std::unique_ptr<std::string>>& unquoted)
        : rest_(line), unquoted_(unquoted) {}

    /// Every cell of the line; nothing where a quote is misplaced.
    std::optional<std::vector<std::string_view>> read() {
        std::vector<std::string_view> cells;
        while (true) {
            const auto cell = rest_.starts_with('"') ? quoted() : plain();
            if (!cell) return std::nullopt;
            cells.push_back(*cell);
            if (rest_.empty()) return cells;
            rest_.remove_prefix(1);
        }
    }

private:
    std::optional<std::string_view> plain() {
        const std::string_view cell = rest_.substr(0, rest_.find(','));
        rest_.remove_prefix(cell.size());
        if (cell.find('"') != std::string_view::npos) return std::nullopt;
        return cell;
    }

    /// What stands between the quotes; the rest then begins with a comma, or is empty.
    std::optional<std::string_view> quoted() {
        auto text = std::make_unique<std::string>();
        for (rest_.remove_prefix(1);; rest_.remove_prefix(1)) {
            const std::size_t end = rest_.find('"');
            if (end == std::string_view::npos) return std::nullopt;
            *text += rest_.substr(0, end);
            rest_.remove_prefix(end + 1);
            if (!rest_.starts_with('"')) break;
            *text += '"';
        }
        if (!rest_.empty() && !rest_.starts_with(',')) return std::nullopt;
        unquoted_.push_back(std::move(text));
        return *unquoted_.back();
    }

    std::string_view rest_;
    std::vector<std::unique_ptr<std::string>>& unquoted_;
};

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

Result<void> check_header(std::string_view name, const std::vector<std::string_view>& header) {
    for (std::size_t i = 0; i < header.size(); ++i) {
        if (header[i].empty()) {
            return fail(Code::invalid_argument, std::string(name) + ": column " + std::to_string(i + 1) +
                                                    " of the header has no name; write one");
        }
        if (std::count(header.begin(), header.end(), header[i]) > 1) {
            return fail(Code::invalid_argument, std::string(name) + ": the column " + quoted(header[i]) +
                                                    " stands twice in the header; keep one");
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

std::string CsvTable::header_text() const {
    std::string out;
    for (const std::string_view name : header) {
        if (out.size() > k_header_text_max) return out + ", …";
        out += (out.empty() ? "" : ", ") + quoted(name);
    }
    return out;
}

Result<CsvTable> parse_csv(std::string_view name, std::string_view text) {
    CsvTable table;
    if (text.starts_with(k_byte_order_mark)) text.remove_prefix(k_byte_order_mark.size());
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const std::string where = std::string(name) + ", line " + std::to_string(number);
        auto cells = CellReader(line, table.unquoted).read();
        if (!cells) {
            return fail(Code::invalid_argument,
                        where +
                            ": a quote is misplaced; put the whole cell in quotes, on one line, "
                            "with each '\"' of its own doubled");
        }
        if (table.header.empty()) {
            if (auto checked = check_header(name, *cells); !checked) return tl::unexpected(checked.error());
            table.header = std::move(*cells);
            table.header_line = {number, line};
            continue;
        }
        if (cells->size() != table.header.size()) {
            return fail(Code::invalid_argument, where + ": " + std::to_string(cells->size()) +
                                                    " cells, but the header has " +
                                                    std::to_string(table.header.size()) + " columns; mend the line");
        }
        table.rows.push_back(std::move(*cells));
        table.lines.push_back({number, line});
    }
    if (table.header.empty()) {
        return fail(Code::invalid_argument,
                    std::string(name) + ": empty; a header line with the column names was expected");
    }
    return table;
}

}  // namespace replayd::cost
