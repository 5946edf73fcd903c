#include "replay/trace/dynamo_rows.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "replay/trace/json_cursor.hpp"
#include "replay/trace/json_values.hpp"
#include "replay/trace/text.hpp"

namespace replayd {
namespace {

constexpr std::string_view k_schema = "dynamo.request.trace.v1";
constexpr std::string_view k_request = "request_end";
constexpr std::string_view k_envelope_member = "event";
constexpr std::string_view k_input_tokens = "request.input_tokens";
constexpr std::string_view k_input_length = "request.replay.input_length";
/// Objects whose members are looked at.
constexpr std::array<std::string_view, 3> k_parts = {"agent_context", "request", "request.replay"};
/// Members of a record that say nothing about an arrival.
constexpr std::array<std::string_view, 4> k_known = {"schema", "event_type", "event_time_unix_ms", "event_source"};

bool among(std::span<const std::string_view> names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Calls `take(key, cursor)`, which takes the value, for each member of an object.
template <class Take>
Result<void> each_member(std::string_view object, Take take) {
    JsonCursor cursor(object);
    if (auto opened = cursor.open(); !opened) return opened;
    std::string key;
    for (;;) {
        const auto more = cursor.next(key);
        if (!more) return tl::unexpected(more.error());
        if (!*more) return {};
        if (auto taken = take(key, cursor); !taken) return taken;
    }
}

/// What a record is.
struct Kind {
    std::string schema;
    std::string event_type;
};

Result<std::string_view> object_text(std::string_view name, JsonCursor& cursor) {
    const bool object = cursor.kind() == JsonKind::object;
    const auto text = cursor.skip();
    if (text && !object) return wrong_value(name, *text, "an object");
    return text;
}

class DynamoRows final : public RowParser {
public:
    DynamoRows(const FormatTraits& format, RowOptions options)
        : format_(format), builder_(format, options), values_(format.strict) {}

    Result<TraceRow*> row(std::string_view line, std::int64_t row_number) override {
        const auto record = record_of(line);
        if (!record) return tl::unexpected(record.error());
        const auto kind = kind_of(*record);
        if (!kind) return tl::unexpected(kind.error());
        if (kind->event_type != k_request) {
            ignore("records of event_type " + kind->event_type);
            return nullptr;
        }
        builder_.begin(row_number);
        input_tokens_.clear();
        has_input_length_ = false;
        auto taken = take_part("", *record);
        if (taken && !has_input_length_ && !input_tokens_.empty()) {
            taken = builder_.set(*find_field(format_, k_input_tokens), input_tokens_);
        }
        if (!taken) return tl::unexpected(taken.error());
        return builder_.finish();
    }

private:
    /// What the envelope holds, or the line.
    static Result<std::string_view> record_of(std::string_view line) {
        std::optional<std::string_view> event;
        auto done = each_member(line, [&event](const std::string& key, JsonCursor& cursor) -> Result<void> {
            const bool found = key == k_envelope_member;
            const auto text = found ? object_text(key, cursor) : cursor.skip();
            if (!text) return tl::unexpected(text.error());
            if (found) event = *text;
            return {};
        });
        if (!done) return tl::unexpected(done.error());
        return event.value_or(line);
    }

    static Result<Kind> kind_of(std::string_view record) {
        Kind kind;
        auto done = each_member(record, [&kind](const std::string& key, JsonCursor& cursor) -> Result<void> {
            std::string* const wanted = key == "schema"       ? &kind.schema
                                        : key == "event_type" ? &kind.event_type
                                                              : nullptr;
            if (wanted != nullptr && cursor.kind() == JsonKind::text) return cursor.text(*wanted);
            const auto passed = cursor.skip();
            if (!passed) return tl::unexpected(passed.error());
            return {};
        });
        if (!done) return tl::unexpected(done.error());
        if (kind.schema != k_schema) return wrong_value("schema", kind.schema, std::string(k_schema));
        if (kind.event_type.empty()) {
            return fail(Code::invalid_argument,
                        "event_type is missing: expected request_end, or another type of record");
        }
        return kind;
    }

    /// `path`: of the part with a dot behind, empty for the record.
    Result<void> take_part(const std::string& path, std::string_view object) {
        return each_member(
            object, [this, &path](const std::string& key, JsonCursor& cursor) { return take(path + key, cursor); });
    }

    Result<void> take(const std::string& name, JsonCursor& cursor) {
        const bool absent = cursor.kind() == JsonKind::null;
        if (among(k_parts, name) && !absent) {
            const auto part = object_text(name, cursor);
            if (!part) return tl::unexpected(part.error());
            return take_part(name + ".", *part);
        }
        if (name == k_input_tokens && cursor.kind() == JsonKind::number) {
            const auto number = cursor.number();
            if (!number) return tl::unexpected(number.error());
            input_tokens_ = *number;
            return {};
        }
        if (const FieldName* field = find_field(format_, name); field != nullptr) {
            has_input_length_ = has_input_length_ || (name == k_input_length && !absent);
            return values_.take(cursor, *field, builder_);
        }
        if (!among(k_parts, name) && !among(k_known, name)) ignore(name);
        const auto passed = cursor.skip();
        if (!passed) return tl::unexpected(passed.error());
        return {};
    }

    const FormatTraits& format_;
    RowBuilder builder_;
    JsonValues values_;
    std::string input_tokens_;  ///< its text, in case that there is no input_length
    bool has_input_length_ = false;
};

}  // namespace

std::unique_ptr<RowParser> make_dynamo_rows(const FormatTraits& format, RowOptions options) {
    return std::make_unique<DynamoRows>(format, options);
}

}  // namespace replayd
