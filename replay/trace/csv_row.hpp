#pragma once
// Cells of one CSV line (RFC 4180, except that a quoted cell cannot hold a line break).

#include <string>
#include <string_view>
#include <vector>

#include "replay/base/error.hpp"

namespace replayd {

/// Splits `line` (without its line end) at commas into `cells`, whose memory is reused. Spaces around
/// an unquoted cell are dropped; a doubled quote in a quoted cell is one. Returns the number of cells,
/// at least 1. Error invalid_argument for quotes that do not fit, naming the cell (from 1).
[[nodiscard]] Result<std::size_t> split_csv(std::string_view line, std::vector<std::string>& cells);

/// Appends `cell`, quoted where it must be. Error invalid_argument when it holds a line break.
[[nodiscard]] Result<void> append_csv_cell(std::string_view cell, std::string& out);

}  // namespace replayd
