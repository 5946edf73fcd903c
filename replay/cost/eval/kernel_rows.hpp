#pragma once
// Rows of a CSV text as kernel calls.

#include <string_view>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/cost/eval/csv_table.hpp"
#include "replay/cost/laws/kernel_table.hpp"

namespace replayd::cost {

/// The rows in the order of the text. `name` stands in the messages. Error `invalid_argument` names a column
/// that is missing, or the line of the text, column, value and what was expected.
[[nodiscard]] Result<std::vector<KernelRow>> kernel_rows(std::string_view name, const KernelTable& table,
                                                         const CsvTable& csv);

/// The measured time of every row in microseconds: the sum of the table's result columns.
[[nodiscard]] Result<std::vector<double>> measured_us(std::string_view name, const KernelTable& table,
                                                      const CsvTable& csv);

}  // namespace replayd::cost
