#include "replay/cost/eval/kernel_rows.hpp"

#include <array>
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
    std::size_t line;
    std::string_view column;
    std::string_view text;

    [[nodiscard]] tl::unexpected<Error> wrong(const std::string& expected) const {
        return fail(Code::invalid_argument, std::string(file) + ", line " + std::to_string(line) + ", column " +
                                                std::string(column) + ": '" + std::string(text) + "' is not " +
                                                expected);
    }
};

/// Counts are whole; "128.0", as pandas writes columns with gaps, is.
Result<double> read_number(const Cell& cell, double least) {
    const auto value = number_in(cell.text);
    if (!value || *value < least || *value > k_number_max || *value != std::floor(*value)) {
        return cell.wrong("a whole number from " + std::to_string(static_cast<int>(least)) + " to 1e12");
    }
    return *value;
}

double least_of(const Column& column) {
    if (column.name == "num_gpus") return 2;  // one GPU has nobody to exchange with
    // Only window, prefix and key/value heads have a meaning at 0.
    return column.optional || column.name == "num_key_value_heads" || column.name == "step" ? 0 : 1;
}

/// A name must be one of those that the table knows, where it says which.
Result<void> check_name(const Cell& cell, const Column& column) {
    std::string list;
    for (const std::string_view known : column.known) {
        if (known == cell.text) return {};
        list += (list.empty() ? "" : ", ") + std::string(known);
    }
    if (list.empty()) return {};
    return cell.wrong("one of " + list);
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
    return read_number(cell, least_of(column));
}

/// Where the numbers of a table say how many of how many experts a token goes to.
struct ExpertColumns {
    std::string_view table;
    std::string_view top_k_name;
    std::size_t top_k;  ///< positions in KernelRow::number
    std::size_t experts;
    std::optional<std::size_t> ranks;
};

constexpr std::array<ExpertColumns, 3> k_expert_columns = {{
    {"moe", "topk", 4, 5, 7},
    {"wideep_deepep_normal", "num_topk", 3, 4, std::nullopt},
    {"wideep_deepep_ll", "num_topk", 3, 4, std::nullopt},
}};

/// What the columns of one row about experts must agree on.
Result<void> check_experts(std::string_view name, std::size_t line, const ExpertColumns& columns,
                           const KernelRow& values) {
    const double top_k = values.number[columns.top_k];
    const double experts = values.number[columns.experts];
    const double ranks = columns.ranks ? values.number[*columns.ranks] : 1;
    const auto whole = [](double value) { return std::to_string(static_cast<long long>(value)); };
    const std::string where = std::string(name) + ", line " + std::to_string(line) + ": ";
    if (top_k > experts) {
        return fail(Code::invalid_argument, where + whole(top_k) + " experts per token of " + whole(experts) +
                                                " experts; " + std::string(columns.top_k_name) +
                                                " must be at most num_experts");
    }
    if (ranks > experts) {
        return fail(Code::invalid_argument, where + whole(experts) + " experts over " + whole(ranks) +
                                                " ranks; moe_ep_size must be at most num_experts");
    }
    return {};
}

/// A column that no law reads, since the rest of the row says it: a value that differs would be priced as another call.
struct ImpliedColumn {
    std::string_view table;
    std::string_view name;
    double (*value)(const KernelRow&);
    std::string_view meaning;
};

double one(const KernelRow&) { return 1; }
double batch_by_length(const KernelRow& row) { return row.number[0] * row.number[1]; }
double dispatch_sms(const KernelRow& row) { return row.number[5]; }

constexpr std::string_view k_one_node = "the tables behind the law were measured inside one node; it knows no more";

/// As the collectors of the public kernel tables define these columns (ai-dynamo/aiconfigurator, collector/). Every
/// row of the DeepEP tables is of one node, and gives dispatch and combine the same SMs.
constexpr std::array<ImpliedColumn, 6> k_implied = {{
    {"generation_attention", "isl", one, "a decode has one new token per sequence; what it reads is step"},
    {"generation_mla", "isl", one, "a decode has one new token per sequence; what it reads is step"},
    {"gdn", "num_tokens", batch_by_length, "batch_size x seq_len"},
    {"wideep_deepep_normal", "node_num", one, k_one_node},
    {"wideep_deepep_ll", "node_num", one, k_one_node},
    {"wideep_deepep_normal", "combine_sms", dispatch_sms,
     "dispatch_sms: the law prices both halves together, measured with as many SMs each"},
}};

Result<void> check_implied(std::string_view name, const KernelTable& table, const CsvTable& csv,
                           const std::vector<KernelRow>& rows) {
    for (const ImpliedColumn& implied : k_implied) {
        const auto position = csv.column(implied.name);
        if (implied.table != table.name || !position) continue;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            const double expected = implied.value(rows[i]);
            const std::string_view text = csv.rows[i][*position];
            if (number_in(text) == expected) continue;
            return Cell{name, csv.lines[i].number, implied.name, text}.wrong(
                std::to_string(static_cast<long long>(expected)) + " (" + std::string(implied.meaning) + ")");
        }
    }
    return {};
}

std::string column_names(const KernelTable& table) {
    std::string list;
    for (const Column& column : table.columns) {
        if (!column.optional) list += (list.empty() ? "" : ", ") + std::string(column.name);
    }
    return list;
}

}  // namespace

Result<std::vector<KernelRow>> kernel_rows(std::string_view name, const KernelTable& table, const CsvTable& csv) {
    std::vector<KernelRow> rows(csv.rows.size());
    std::size_t number = 0;
    for (const Column& column : table.columns) {
        const auto position = csv.column(column.name);
        if (!position && !column.optional) {
            return fail(Code::invalid_argument, std::string(name) + ": the column '" + std::string(column.name) +
                                                    "' is missing; " + std::string(table.name) + " takes " +
                                                    column_names(table) + ", separated by commas, and the header has " +
                                                    csv.header_text());
        }
        for (std::size_t i = 0; position && i < rows.size(); ++i) {
            const Cell cell{name, csv.lines[i].number, column.name, csv.rows[i][*position]};
            if (column.kind == ColumnKind::name) {
                if (auto checked = check_name(cell, column); !checked) return tl::unexpected(checked.error());
                rows[i].kernel += (rows[i].kernel.empty() ? "" : "/") + std::string(cell.text);
                continue;
            }
            auto value = read_value(cell, column);
            if (!value) return tl::unexpected(value.error());
            rows[i].number[number] = *value;
        }
        if (column.kind != ColumnKind::name) ++number;
    }
    for (const ExpertColumns& columns : k_expert_columns) {
        for (std::size_t i = 0; columns.table == table.name && i < rows.size(); ++i) {
            if (auto checked = check_experts(name, csv.lines[i].number, columns, rows[i]); !checked)
                return tl::unexpected(checked.error());
        }
    }
    if (auto checked = check_implied(name, table, csv, rows); !checked) return tl::unexpected(checked.error());
    return rows;
}

Result<std::vector<double>> measured_us(std::string_view name, const KernelTable& table, const CsvTable& csv) {
    std::vector<double> times(csv.rows.size(), 0.0);
    for (const std::string_view result : table.results) {
        const auto position = csv.column(result);
        if (!position) {
            return fail(Code::invalid_argument, std::string(name) + ": the column '" + std::string(result) +
                                                    "' with measured times is missing");
        }
        for (std::size_t i = 0; i < times.size(); ++i) {
            const auto value = number_in(csv.rows[i][*position]);
            if (!value || *value < 0) {
                return Cell{name, csv.lines[i].number, result, csv.rows[i][*position]}.wrong("a time of 0 or more");
            }
            times[i] += *value * table.result_us;
        }
    }
    return times;
}

}  // namespace replayd::cost
