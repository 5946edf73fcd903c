#include "daemon/replayctl/text_table.hpp"

#include <algorithm>
#include <utility>

#include "replay/base/assert.hpp"

namespace replayd::ctl {
namespace {

constexpr std::string_view k_gap = "  ";
constexpr std::size_t k_rule_characters_max = 120;  // a long last column may run on, its rule need not

void append_rule(std::string& out, const std::vector<std::size_t>& widths) {
    std::size_t total = k_gap.size() * (widths.size() - 1);
    for (const std::size_t width : widths) total += width;
    for (std::size_t i = 0; i < std::min(total, k_rule_characters_max); ++i) out += "─";
    out += '\n';
}

}  // namespace

std::size_t text_width(std::string_view text) {
    // Every byte but the continuation bytes of UTF-8 (10xxxxxx) begins a character.
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

void TextTable::add_row(std::vector<std::string> cells) {
    REPLAYD_ASSERT(cells.size() == columns_.size());
    rows_.push_back(std::move(cells));
}

void TextTable::add_rule() { rows_.emplace_back(); }

std::string TextTable::render() const {
    Row titles;
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) {
        titles.push_back(column.title);
        widths.push_back(text_width(column.title));
    }
    for (const Row& row : rows_) {
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(row[i]));
    }
    std::string out;
    if (std::any_of(titles.begin(), titles.end(), [](const std::string& title) { return !title.empty(); })) {
        append_line(out, titles, widths);
        append_rule(out, widths);
    }
    for (const Row& row : rows_) {
        if (row.empty()) {
            append_rule(out, widths);
        } else {
            append_line(out, row, widths);
        }
    }
    return out;
}

void TextTable::append_line(std::string& out, const Row& cells, const std::vector<std::size_t>& widths) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) line += k_gap;
        const std::string padding(widths[i] - text_width(cells[i]), ' ');
        line += columns_[i].align == Align::right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
}

}  // namespace replayd::ctl
