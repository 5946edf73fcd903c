#include "daemon/replayctl/query_command.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "daemon/replayctl/console.hpp"
#include "daemon/replayctl/csv_text.hpp"
#include "daemon/replayctl/human_text.hpp"
#include "daemon/replayctl/json_fields.hpp"
#include "daemon/replayctl/run_table.hpp"
#include "daemon/replayctl/text_table.hpp"

namespace replayd::ctl {
namespace {

namespace json = boost::json;

constexpr const char* k_null = "–";

/// Reals with three decimals, so that columns line up; tiny ones would vanish so.
std::string real_text(double value) {
    if (value == 0 || std::abs(value) >= 0.001) return decimal_text(value, 3);
    std::array<char, 64> text{};
    const auto [end, error] =
        std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific, 3);
    return error == std::errc() ? std::string(text.data(), end) : decimal_text(value, 3);
}

std::string cell_text(const json::value& cell) {
    if (cell.is_null()) return k_null;
    if (cell.is_string()) return std::string(cell.get_string());
    if (cell.is_double()) return real_text(cell.get_double());
    return json::serialize(cell);
}

/// Reals as short as they are exact, and nothing for NULL.
std::string csv_cell(const json::value& cell) {
    if (cell.is_null()) return {};
    if (cell.is_string()) return std::string(cell.get_string());
    if (!cell.is_double()) return json::serialize(cell);
    std::array<char, 64> text{};
    const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), cell.get_double());
    return error == std::errc() ? std::string(text.data(), end) : json::serialize(cell);
}

bool holds_numbers(const json::array& rows, std::size_t column) {
    for (const json::value& row : rows) {
        const json::value& cell = row.as_array().at(column);
        if (!cell.is_number() && !cell.is_null()) return false;
    }
    return !rows.empty();
}

std::string as_table(const json::array& columns, const json::array& rows) {
    std::vector<TextTable::Column> titles;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        titles.push_back({std::string(columns[i].as_string()), holds_numbers(rows, i) ? Align::right : Align::left});
    }
    TextTable table(std::move(titles));
    for (const json::value& row : rows) {
        std::vector<std::string> cells;
        for (const json::value& cell : row.as_array()) cells.push_back(cell_text(cell));
        table.add_row(std::move(cells));
    }
    return table.render();
}

std::string as_csv(const json::array& columns, const json::array& rows) {
    std::string out;
    const auto append = [&out](const json::array& cells) {
        CsvLine line(out);
        for (const json::value& cell : cells) line.add(csv_cell(cell));
    };
    append(columns);
    for (const json::value& row : rows) append(row.as_array());
    return out;
}

std::string rendered(const json::object& result, OutputMode mode) {
    if (mode == OutputMode::json) return json::serialize(result) + '\n';
    const json::array& columns = result.at("columns").as_array();
    const json::array& rows = result.at("rows").as_array();
    return mode == OutputMode::csv ? as_csv(columns, rows) : as_table(columns, rows);
}

}  // namespace

Result<ExitStatus> query(const QueryOptions& options) {
    auto source = open_source(options.source);
    if (!source) return tl::unexpected(source.error());
    const auto result = (*source)->query(options.sql);
    if (!result) return tl::unexpected(result.error());
    if (auto printed = print(rendered(*result, options.mode)); !printed) return tl::unexpected(printed.error());
    if (const std::string remark = text(*result, "note"); options.mode != OutputMode::json && !remark.empty()) {
        note(remark);
    }
    if (options.mode != OutputMode::json && result->at("truncated").as_bool()) {
        note("only the first " + count_text(static_cast<std::int64_t>(result->at("rows").as_array().size())) +
             " rows are shown; narrow the query with WHERE, or aggregate");
    }
    return ExitStatus::ok;
}

Result<ExitStatus> list_runs(const RunsOptions& options) {
    auto source = open_source(options.source);
    if (!source) return tl::unexpected(source.error());
    auto runs = (*source)->runs(options.stream, options.limit);
    if (!runs) return tl::unexpected(runs.error());
    const std::string text = options.mode == OutputMode::json
                                 ? json::serialize(json::object{{"items", std::move(*runs)}}) + '\n'
                                 : run_list(*runs);
    return print(text).map([] { return ExitStatus::ok; });
}

}  // namespace replayd::ctl
