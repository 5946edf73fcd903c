#include "replay/trace/row_parser.hpp"

#include <algorithm>

#include "replay/base/nearest_name.hpp"
#include "replay/trace/csv_row.hpp"
#include "replay/trace/dynamo_rows.hpp"
#include "replay/trace/json_cursor.hpp"
#include "replay/trace/json_values.hpp"
#include "replay/trace/text.hpp"

namespace replayd {
namespace {

constexpr std::size_t k_ignored_names_max = 16;

std::string nearest_field(const FormatTraits& format, std::string_view name) {
    std::vector<std::string> names;
    for (const FieldName& field : format.fields) names.emplace_back(field.name);
    return nearest_name(name, names);
}

class CsvRows final : public RowParser {
public:
    CsvRows(const FormatTraits& format, RowOptions options) : format_(format), builder_(format, options) {}

    bool wants_header() const override { return columns_.empty(); }

    Result<void> header(std::string_view line) override {
        const auto count = split_csv(line, cells_);
        if (!count) return tl::unexpected(count.error());
        for (std::size_t i = 0; i < *count; ++i) {
            const FieldName* field = find_field(format_, cells_[i]);
            if (field == nullptr) ignore(cells_[i]);
            columns_.push_back(field);
        }
        return check_header();
    }

    Result<TraceRow*> row(std::string_view line, std::int64_t row_number) override {
        const auto count = split_csv(line, cells_);
        if (!count) return tl::unexpected(count.error());
        if (*count != columns_.size()) {
            return fail(Code::invalid_argument, "the row has " + std::to_string(*count) + " cells: expected " +
                                                    std::to_string(columns_.size()) + ", as in the header");
        }
        builder_.begin(row_number);
        for (std::size_t i = 0; i < *count; ++i) {
            if (columns_[i] == nullptr) continue;
            if (auto set = builder_.set(*columns_[i], cells_[i]); !set) return tl::unexpected(set.error());
        }
        return builder_.finish();
    }

private:
    Result<void> check_header() const {
        for (const FieldName& field : format_.fields) {
            const auto times = std::count(columns_.begin(), columns_.end(), &field);
            if (times > 1) {
                return fail(Code::invalid_argument,
                            "the header has column " + quoted(field.name) + " twice: expected it once");
            }
            if (times == 1 || !field.required) continue;
            std::string message = "the header has no column " + quoted(field.name) + ": expected";
            for (const FieldName& needed : format_.fields) {
                if (needed.required) message += " " + std::string(needed.name) + ",";
            }
            message.pop_back();
            return fail(Code::invalid_argument, message + " for the format " + std::string(format_.name));
        }
        return {};
    }

    const FormatTraits& format_;
    RowBuilder builder_;
    std::vector<const FieldName*> columns_;  // of the header; null for one that the format does not know
    std::vector<std::string> cells_;
};

class JsonRows final : public RowParser {
public:
    JsonRows(const FormatTraits& format, RowOptions options)
        : format_(format), builder_(format, options), values_(format.strict) {}

    Result<TraceRow*> row(std::string_view line, std::int64_t row_number) override {
        JsonCursor cursor(line);
        if (auto opened = cursor.open(); !opened) return tl::unexpected(opened.error());
        builder_.begin(row_number);
        for (;;) {
            const auto more = cursor.next(key_);
            if (!more) return tl::unexpected(more.error());
            if (!*more) return builder_.finish();
            if (auto taken = member(cursor); !taken) return tl::unexpected(taken.error());
        }
    }

private:
    Result<void> member(JsonCursor& cursor) {
        const FieldName* field = find_field(format_, key_);
        if (field == nullptr && format_.strict) {
            const std::string nearest = nearest_field(format_, key_);
            return fail(Code::invalid_argument,
                        quoted(key_) + " is no member of an arrival: expected " +
                            (nearest.empty() ? "the members that proto/README.md lists" : nearest));
        }
        if (field == nullptr) ignore(key_);
        if (field != nullptr) return values_.take(cursor, *field, builder_);
        const auto passed = cursor.skip();
        if (!passed) return tl::unexpected(passed.error());
        return {};
    }

    const FormatTraits& format_;
    RowBuilder builder_;
    JsonValues values_;
    std::string key_;
};

}  // namespace

const FieldName* find_field(const FormatTraits& format, std::string_view name) {
    const auto found = std::find_if(format.fields.begin(), format.fields.end(),
                                    [name](const FieldName& field) { return field.name == name; });
    return found == format.fields.end() ? nullptr : &*found;
}

void RowParser::ignore(std::string_view name) {
    const bool known = std::find(ignored_fields_.begin(), ignored_fields_.end(), name) != ignored_fields_.end();
    if (!known && ignored_fields_.size() < k_ignored_names_max) ignored_fields_.emplace_back(name);
}

std::unique_ptr<RowParser> make_row_parser(const FormatTraits& format, RowOptions options) {
    if (format.format == TraceFormat::dynamo) return make_dynamo_rows(format, options);
    if (format.json) return std::make_unique<JsonRows>(format, options);
    return std::make_unique<CsvRows>(format, options);
}

}  // namespace replayd
