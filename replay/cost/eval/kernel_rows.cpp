#include "replay/cost/eval/kernel_rows.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>

namespace replayd::cost {
namespace {

/// Largest number that a column may hold: the laws are fitted far below it.
constexpr double k_number_max = 1e12;
constexpr std::string_view k_power_law = "power_law_";

std::optional<double> number_in(std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
}

std::string known_types() {
    std::string list;
    for (const TypeTraits& type : type_traits()) list += (list.empty() ? "" : ", ") + std::string(type.name);
    return list;
}

struct Cell {
    std::string_view file;
    std::size_t row;
    std::string_view column;
    std::string_view text;

    [[nodiscard]] tl::unexpected<Error> wrong(const std::string& expected) const {
        return fail(Code::invalid_argument, std::string(file) + ", row " + std::to_string(row + 1) + ", column " +
                                                std::string(column) + ": '" + std::string(text) + "' is not " + expected);
    }
};

Result<double> read_number(const Cell& cell, bool may_be_zero) {
    const auto value = number_in(cell.text);
    if (!value || *value < (may_be_zero ? 0 : 1) || *value > k_number_max) {
        return cell.wrong(std::string("a number from ") + (may_be_zero ? "0" : "1") + " to 1e12");
    }
    return *value;
}

Result<double> read_value(const Cell& cell, const Column& column) {
    if (column.kind == ColumnKind::type) {
        const int type = find_type(cell.text);
        if (type < 0) return cell.wrong("a known data type (" + known_types() + ")");
        return static_cast<double>(type);
    }
    if (column.kind == ColumnKind::distribution) {
        if (cell.text == "balanced") return 0.0;
        if (cell.text.starts_with(k_power_law)) {
            const auto exponent = number_in(cell.text.substr(k_power_law.size()));
            if (exponent && *exponent > 0 && *exponent < 10) return *exponent;
        }
        return cell.wrong("'balanced' or 'power_law_<exponent>'");
    }
    // Only window, prefix and key/value heads have a meaning at 0.
    return read_number(cell, column.optional || column.name == "num_key_value_heads" || column.name == "step");
}

/// What the columns of one MoE row must agree on. The positions are those of moe_table().
Result<void> check_experts(std::string_view name, const KernelTable& table, std::size_t row, const KernelRow& values) {
    if (table.name != "moe") return {};
    const double top_k = values.number[4];
    const double experts = values.number[5];
    const double ranks = values.number[7];
    const auto whole = [](double value) { return std::to_string(static_cast<long long>(value)); };
    const std::string where = std::string(name) + ", row " + std::to_string(row + 1) + ": ";
    if (top_k > experts) {
        return fail(Code::invalid_argument, where + whole(top_k) + " experts per token of " + whole(experts) +
                                                " experts; topk must be at most num_experts");
    }
    if (ranks > experts) {
        return fail(Code::invalid_argument, where + whole(experts) + " experts over " + whole(ranks) +
                                                " ranks; moe_ep_size must be at most num_experts");
    }
    return {};
}

}  // namespace

Result<std::vector<KernelRow>> kernel_rows(std::string_view name, const KernelTable& table, const CsvTable& csv) {
    std::vector<KernelRow> rows(csv.rows.size());
    std::size_t number = 0;
    for (const Column& column : table.columns) {
        const auto position = csv.column(column.name);
        if (!position && !column.optional) {
            return fail(Code::invalid_argument, std::string(name) + ": the column '" + std::string(column.name) +
                                                    "' is missing, which a table of " + std::string(table.name) + " has");
        }
        for (std::size_t i = 0; position && i < rows.size(); ++i) {
            const Cell cell{name, i, column.name, csv.rows[i][*position]};
            if (column.kind == ColumnKind::name) {
                rows[i].kernel += (rows[i].kernel.empty() ? "" : "/") + std::string(cell.text);
                continue;
            }
            auto value = read_value(cell, column);
            if (!value) return tl::unexpected(value.error());
            rows[i].number[number] = *value;
        }
        if (column.kind != ColumnKind::name) ++number;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (auto checked = check_experts(name, table, i, rows[i]); !checked) return tl::unexpected(checked.error());
    }
    return rows;
}

Result<std::vector<double>> measured_us(std::string_view name, const KernelTable& table, const CsvTable& csv) {
    std::vector<double> times(csv.rows.size(), 0.0);
    for (const std::string_view result : table.results) {
        const auto position = csv.column(result);
        if (!position) {
            return fail(Code::invalid_argument,
                        std::string(name) + ": the column '" + std::string(result) + "' with measured times is missing");
        }
        for (std::size_t i = 0; i < times.size(); ++i) {
            const auto value = number_in(csv.rows[i][*position]);
            if (!value || *value < 0) {
                return Cell{name, i, result, csv.rows[i][*position]}.wrong("a time of 0 or more");
            }
            times[i] += *value * table.result_us;
        }
    }
    return times;
}

}  // namespace replayd::cost
