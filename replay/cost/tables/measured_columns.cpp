#include "replay/cost/tables/measured_columns.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

namespace replayd::cost {
namespace {

std::string decimal(double value) { return std::to_string(static_cast<std::int64_t>(value)); }

}  // namespace

Result<MeasuredColumns> MeasuredColumns::read(std::string name, std::string_view text) {
    auto csv = parse_csv(name, text);
    if (!csv) return tl::unexpected(csv.error());
    if (csv->rows.empty()) {
        return fail(Code::invalid_argument, name + " has no rows: expected measurements below the header");
    }
    return MeasuredColumns(std::move(name), std::move(*csv));
}

Result<std::size_t> MeasuredColumns::index(std::string_view column) const {
    if (const auto found = csv_.column(column)) return *found;
    return fail(Code::invalid_argument, name_ + " lacks the column \"" + std::string(column) + "\"");
}

Result<std::vector<double>> MeasuredColumns::numbers(std::string_view column, double least) const {
    return read_numbers(column, least, std::nullopt);
}

Result<std::vector<double>> MeasuredColumns::numbers_or(std::string_view column, double least, double absent) const {
    return read_numbers(column, least, absent);
}

Result<std::vector<double>> MeasuredColumns::times(std::string_view column) const {
    auto values = numbers(column, 0);
    if (!values) return values;
    for (std::size_t row = 0; row < values->size(); ++row) {
        if ((*values)[row] <= 0) return no_time(column, row);
    }
    return values;
}

tl::unexpected<Error> MeasuredColumns::no_time(std::string_view column, std::size_t row) const {
    const std::string cell(csv_.rows[row][*csv_.column(column)]);
    return fail(Code::invalid_argument, name_ + " row " + std::to_string(row + 1) + ": " + std::string(column) +
                                            " is \"" + cell + "\": expected a number above 0");
}

Result<std::vector<double>> MeasuredColumns::read_numbers(std::string_view column, double least,
                                                          std::optional<double> absent) const {
    const auto at = index(column);
    if (!at) return tl::unexpected(at.error());
    std::vector<double> values;
    values.reserve(csv_.rows.size());
    for (std::size_t row = 0; row < csv_.rows.size(); ++row) {
        const std::string_view cell = csv_.rows[row][*at];
        if (cell.empty() && absent) {
            values.push_back(*absent);
            continue;
        }
        double value = 0;
        const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
        const bool whole = error == std::errc() && end == cell.data() + cell.size();
        if (!whole || !std::isfinite(value) || value < least) {
            return fail(Code::invalid_argument, name_ + " row " + std::to_string(row + 1) + ": " + std::string(column) +
                                                    " is \"" + std::string(cell) +
                                                    "\": expected a number of at least " + decimal(least));
        }
        values.push_back(value);
    }
    return values;
}

Result<std::vector<std::string_view>> MeasuredColumns::names(std::string_view column) const {
    const auto at = index(column);
    if (!at) return tl::unexpected(at.error());
    std::vector<std::string_view> values;
    for (const auto& row : csv_.rows) values.push_back(row[*at]);
    return values;
}

}  // namespace replayd::cost
