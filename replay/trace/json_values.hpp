#pragma once
// JSON values that mean fields of an arrival, into the row that is being built.

#include <cstdint>
#include <string>
#include <vector>

#include "replay/base/error.hpp"
#include "replay/trace/json_cursor.hpp"
#include "replay/trace/row_builder.hpp"

namespace replayd {

class JsonValues {
public:
    /// `quoted_numbers`: whole numbers may come as strings of digits.
    explicit JsonValues(bool quoted_numbers) : quoted_numbers_(quoted_numbers) {}

    /// Takes the value at the cursor as `field`; null counts as absent. Errors as RowBuilder::set.
    [[nodiscard]] Result<void> take(JsonCursor& cursor, const FieldName& field, RowBuilder& row);

private:
    [[nodiscard]] Result<void> scalar(JsonCursor& cursor, const FieldName& field, RowBuilder& row);

    const bool quoted_numbers_;
    std::string text_;
    std::vector<std::uint64_t> hashes_;
};

}  // namespace replayd
