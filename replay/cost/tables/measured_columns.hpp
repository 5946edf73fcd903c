#pragma once
// Columns of a measured CSV as numbers and names, with errors that say file, row, column, value and what was expected.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/cost/eval/csv_table.hpp"

namespace replayd::cost {

class MeasuredColumns {
public:
    /// `name` stands in the messages; `text` must outlive the result. Errors as parse_csv, and for a table without
    /// rows.
    [[nodiscard]] static Result<MeasuredColumns> read(std::string name, std::string_view text);

    [[nodiscard]] bool has(std::string_view column) const { return csv_.column(column).has_value(); }
    [[nodiscard]] std::size_t rows() const { return csv_.rows.size(); }
    [[nodiscard]] const std::string& name() const { return name_; }

    /// Finite numbers ≥ `least`.
    [[nodiscard]] Result<std::vector<double>> numbers(std::string_view column, double least) const;
    /// As above where empty cells stand for `absent`.
    [[nodiscard]] Result<std::vector<double>> numbers_or(std::string_view column, double least, double absent) const;
    /// Finite times > 0: no kernel takes none.
    [[nodiscard]] Result<std::vector<double>> times(std::string_view column) const;
    /// What to say of the time in `row`, counted from 0, that is 0 or absent.
    [[nodiscard]] tl::unexpected<Error> no_time(std::string_view column, std::size_t row) const;
    [[nodiscard]] Result<std::vector<std::string_view>> names(std::string_view column) const;

private:
    MeasuredColumns(std::string name, CsvTable csv) : name_(std::move(name)), csv_(std::move(csv)) {}
    [[nodiscard]] Result<std::vector<double>> read_numbers(std::string_view column, double least,
                                                           std::optional<double> absent) const;
    [[nodiscard]] Result<std::size_t> index(std::string_view column) const;

    std::string name_;
    CsvTable csv_;
};

}  // namespace replayd::cost
