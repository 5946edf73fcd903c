#pragma once
// The SQL functions that every connection of replayd has. All skip NULL and answer NULL for no values.
//   histogram_quantile(blob, q)  upper edge of the bucket at quantile q in [0, 1], in the blob's unit
//   histogram_count(blob)        number of values in the histogram
//   histogram_merge(blob)        aggregate: one histogram of all
//   percentile(x, p)             aggregate: exact nearest-rank percentile, p = 0 or 1 to 100
// A damaged blob or an argument of the wrong kind fails the statement with a message.

#include <cstddef>

#include "replay/base/error.hpp"

namespace replayd::storage {

class Connection;

/// Values that one `percentile` may collect (8 bytes each); more fail the statement.
inline constexpr std::size_t k_percentile_values_max = 20'000'000;

[[nodiscard]] Result<void> add_functions(Connection& connection);

}  // namespace replayd::storage
