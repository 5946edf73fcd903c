#include "replay/trace/csv_row.hpp"

#include <algorithm>

#include "replay/trace/text.hpp"

namespace replayd {
namespace {

// Takes a quoted cell off the front of `rest`, which begins with the opening quote.
Result<void> take_quoted(std::string_view& rest, std::size_t number, std::string& cell) {
    rest.remove_prefix(1);
    for (;;) {
        const std::size_t quote = rest.find('"');
        if (quote == std::string_view::npos) {
            return fail(Code::invalid_argument,
                        "cell " + std::to_string(number) +
                            " begins with a quote that is never closed: expected '\"' at its end");
        }
        cell.append(rest.substr(0, quote));
        rest.remove_prefix(quote + 1);
        if (!rest.starts_with('"')) return {};
        cell += '"';
        rest.remove_prefix(1);
    }
}

}  // namespace

Result<std::size_t> split_csv(std::string_view line, std::vector<std::string>& cells) {
    std::string_view rest = line;
    for (std::size_t count = 1;; ++count) {
        if (cells.size() < count) cells.emplace_back();
        std::string& cell = cells[count - 1];
        cell.clear();
        const std::size_t start = rest.find_first_not_of(" \t");
        if (start != std::string_view::npos && rest[start] == '"') {
            rest.remove_prefix(start);
            if (auto taken = take_quoted(rest, count, cell); !taken) return tl::unexpected(taken.error());
            rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
            if (!rest.empty() && rest.front() != ',') {
                return fail(Code::invalid_argument, "cell " + std::to_string(count) + " has " +
                                                        quoted(rest.substr(0, 1)) +
                                                        " after its closing quote: expected a comma");
            }
        } else {
            const std::size_t comma = rest.find(',');
            cell.assign(trimmed(rest.substr(0, comma)));
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma);
        }
        if (rest.empty()) return count;
        rest.remove_prefix(1);
    }
}

Result<void> append_csv_cell(std::string_view cell, std::string& out) {
    if (cell.find_first_of("\r\n") != std::string_view::npos) {
        return fail(Code::invalid_argument,
                    quoted(cell) + " holds a line break: expected text that fits into one CSV line");
    }
    if (cell.find_first_of("\",") == std::string_view::npos && trimmed(cell).size() == cell.size()) {
        out += cell;
        return {};
    }
    out += '"';
    for (const char c : cell) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
    return {};
}

}  // namespace replayd
