#include "replay/trace/json_values.hpp"

#include "replay/trace/text.hpp"

namespace replayd {
namespace {

bool is_text(Field field) {
    return field == Field::id || field == Field::conversation || field == Field::slo_class || field == Field::model;
}

}  // namespace

Result<void> JsonValues::take(JsonCursor& cursor, const FieldName& field, RowBuilder& row) {
    const JsonKind kind = cursor.kind();
    if (field.field == Field::derived || kind == JsonKind::null) {
        const auto passed = cursor.skip();
        if (!passed) return tl::unexpected(passed.error());
        return {};
    }
    if (field.field == Field::hashes && kind == JsonKind::array) {
        if (auto read = cursor.whole_numbers(field.name, quoted_numbers_, hashes_); !read) return read;
        return row.set_hashes(field, hashes_);
    }
    return scalar(cursor, field, row);
}

// Numbers may stand for text (a session 12), text for numbers only in our own format.
Result<void> JsonValues::scalar(JsonCursor& cursor, const FieldName& field, RowBuilder& row) {
    const JsonKind kind = cursor.kind();
    const bool single = field.field != Field::hashes;
    const bool text_fits = single && (is_text(field.field) || quoted_numbers_);
    if (kind == JsonKind::number && single) {
        const auto number = cursor.number();
        if (!number) return tl::unexpected(number.error());
        return row.set(field, *number);
    }
    if (kind == JsonKind::text && text_fits) {
        if (auto read = cursor.text(text_); !read) return read;
        return row.set(field, text_);
    }
    const auto value = cursor.skip();
    if (!value) return tl::unexpected(value.error());
    const std::string_view expected = !single                ? "an array of whole numbers"
                                      : is_text(field.field) ? "text"
                                                             : "a number";
    if (kind != JsonKind::text) return wrong_value(field.name, *value, expected);
    return wrong_value(field.name, value->substr(1, value->size() - 2), std::string(expected) + ", not text");
}

}  // namespace replayd
