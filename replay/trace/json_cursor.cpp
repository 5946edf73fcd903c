#include "replay/trace/json_cursor.hpp"

#include "replay/base/assert.hpp"
#include "replay/trace/decimal.hpp"
#include "replay/trace/text.hpp"

namespace replayd {
namespace {

constexpr int k_depth_max = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A character of a string that stands for itself.
bool is_plain(char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; }

void append_utf8(std::uint32_t point, std::string& out) {
    const auto push = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        push(point);
    } else if (point < 0x800) {
        push(0xC0U | point >> 6U);
        push(0x80U | (point & 0x3FU));
    } else if (point < 0x10000) {
        push(0xE0U | point >> 12U);
        push(0x80U | (point >> 6U & 0x3FU));
        push(0x80U | (point & 0x3FU));
    } else {
        push(0xF0U | point >> 18U);
        push(0x80U | (point >> 12U & 0x3FU));
        push(0x80U | (point >> 6U & 0x3FU));
        push(0x80U | (point & 0x3FU));
    }
}

}  // namespace

void JsonCursor::pass_spaces() {
    while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t')) ++at_;
}

bool JsonCursor::pass(char c) {
    if (peek() != c || at_ >= line_.size()) return false;
    ++at_;
    return true;
}

tl::unexpected<Error> JsonCursor::broken(std::string_view expected) const {
    std::string message = "column " + std::to_string(at_ + 1);
    if (at_ >= line_.size()) {
        message += " is past the line's end";
    } else {
        message += peek() == '"' ? " holds '\"'" : " holds " + quoted(line_.substr(at_, 1));
    }
    message += ": expected ";
    message += expected;
    return fail(Code::invalid_argument, std::move(message));
}

Result<void> JsonCursor::open() {
    pass_spaces();
    if (!pass('{')) return broken("a JSON object, {\"name\": value, ...}");
    return {};
}

Result<bool> JsonCursor::next(std::string& key) {
    pass_spaces();
    if (pass('}')) {
        pass_spaces();
        if (at_ < line_.size()) return broken("nothing after the object: one object a line");
        return false;
    }
    if (!first_ && !pass(',')) return broken("',' or '}'");
    first_ = false;
    pass_spaces();
    if (peek() != '"') return broken("a member's name in double quotes");
    if (auto read = text(key); !read) return tl::unexpected(read.error());
    pass_spaces();
    if (!pass(':')) return broken("':' after the member's name");
    pass_spaces();
    return true;
}

JsonKind JsonCursor::kind() const {
    switch (peek()) {
        case '"': return JsonKind::text;
        case '[': return JsonKind::array;
        case '{': return JsonKind::object;
        case 'n': return JsonKind::null;
        case 't':
        case 'f': return JsonKind::boolean;
        default: return is_digit(peek()) || peek() == '-' ? JsonKind::number : JsonKind::nothing;
    }
}

Result<std::string_view> JsonCursor::number() {
    REPLAYD_ASSERT(kind() == JsonKind::number);
    const std::size_t start = at_;
    const auto digits = [this] {
        const std::size_t from = at_;
        while (is_digit(peek())) ++at_;
        return at_ > from;
    };
    static_cast<void>(pass('-'));
    const bool zero = peek() == '0';
    const std::size_t whole = at_;
    if (!digits()) return broken("a digit");
    if (zero && at_ - whole > 1) {
        at_ = whole + 1;
        return broken("no digit after a leading 0");
    }
    if (pass('.') && !digits()) return broken("a digit after the point");
    if (pass('e') || pass('E')) {
        if (!pass('+')) static_cast<void>(pass('-'));
        if (!digits()) return broken("a digit of the exponent");
    }
    return line_.substr(start, at_ - start);
}

Result<void> JsonCursor::text(std::string& out) {
    REPLAYD_ASSERT(peek() == '"');
    ++at_;
    out.clear();
    const std::size_t start = at_;
    for (;;) {
        const std::size_t run = at_;
        while (at_ < line_.size() && is_plain(line_[at_])) ++at_;
        out.append(line_.substr(run, at_ - run));
        if (!pass('\\')) break;
        if (auto read = escape(out); !read) return read;
    }
    if (at_ < line_.size() && peek() != '"') return broken("no control character in text");
    if (at_ >= line_.size()) return broken("'\"' at the end of the text");
    if (!is_utf8(line_.substr(start, at_ - start))) {
        at_ = start;
        return broken("text in UTF-8");
    }
    ++at_;
    return {};
}

Result<void> JsonCursor::escape(std::string& out) {
    constexpr std::string_view k_escapes = "\"\\/bfnrt";
    constexpr std::string_view k_meanings = "\"\\/\b\f\n\r\t";
    if (pass('u')) {
        auto point = hex4();
        if (!point) return tl::unexpected(point.error());
        if (*point >= 0xD800 && *point < 0xDC00) {
            if (!pass('\\') || !pass('u')) return broken("the second half of a surrogate pair, \\uDC00 to \\uDFFF");
            const auto low = hex4();
            if (!low) return tl::unexpected(low.error());
            if (*low < 0xDC00 || *low > 0xDFFF) return broken("the second half of a surrogate pair before it");
            *point = 0x10000 + ((*point - 0xD800) << 10U) + (*low - 0xDC00);
        } else if (*point >= 0xDC00 && *point < 0xE000) {
            return broken("no lone second half of a surrogate pair before it");
        }
        append_utf8(*point, out);
        return {};
    }
    const std::size_t which = at_ < line_.size() ? k_escapes.find(peek()) : std::string_view::npos;
    if (which == std::string_view::npos) return broken("one of \"\\/bfnrtu after a backslash");
    out += k_meanings[which];
    ++at_;
    return {};
}

Result<std::uint32_t> JsonCursor::hex4() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        const char c = peek();
        std::uint32_t digit = 0;
        if (is_digit(c)) {
            digit = static_cast<std::uint32_t>(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = static_cast<std::uint32_t>(c - 'a' + 10);
        } else if (c >= 'A' && c <= 'F') {
            digit = static_cast<std::uint32_t>(c - 'A' + 10);
        } else {
            return broken("four hexadecimal digits after \\u");
        }
        value = value << 4U | digit;
        ++at_;
    }
    return value;
}

Result<void> JsonCursor::whole_numbers(std::string_view field, bool allow_quoted,
                                       std::vector<std::uint64_t>& out) {
    REPLAYD_ASSERT(peek() == '[');
    ++at_;
    out.clear();
    pass_spaces();
    if (pass(']')) return {};
    for (;;) {
        pass_spaces();
        if (const auto plain = plain_number()) {
            out.push_back(*plain);
        } else {
            const auto value = whole_number(field, allow_quoted, out.size());
            if (!value) return tl::unexpected(value.error());
            out.push_back(*value);
        }
        pass_spaces();
        if (pass(']')) return {};
        if (!pass(',')) return broken("',' or ']'");
    }
}

// The common case, fast: a few digits and then the next element. Anything else is left to whole_number.
std::optional<std::uint64_t> JsonCursor::plain_number() {
    constexpr std::size_t k_safe_digits = 19;  // always below 2^64
    std::uint64_t value = 0;
    std::size_t end = at_;
    while (end < line_.size() && is_digit(line_[end]) && end - at_ < k_safe_digits) {
        value = value * 10 + static_cast<std::uint64_t>(line_[end++] - '0');
    }
    const bool ends_here = end < line_.size() && (line_[end] == ',' || line_[end] == ']');
    const bool leading_zero = end - at_ > 1 && line_[at_] == '0';
    if (end == at_ || !ends_here || leading_zero) return std::nullopt;
    at_ = end;
    return value;
}

Result<std::uint64_t> JsonCursor::whole_number(std::string_view field, bool allow_quoted, std::size_t index) {
    std::string_view shown;
    if (allow_quoted && kind() == JsonKind::text) {
        if (auto read = text(scratch_); !read) return tl::unexpected(read.error());
        shown = scratch_;
    } else {
        const auto read = skip();
        if (!read) return tl::unexpected(read.error());
        shown = *read;
    }
    const auto value = parse_whole(shown);
    if (value) return *value;
    return wrong_value(std::string(field) + "[" + std::to_string(index) + "]", shown,
                       "a whole number, 0 to 18446744073709551615");
}

Result<std::string_view> JsonCursor::skip() {
    const std::size_t start = at_;
    if (auto passed = pass_value(1); !passed) return tl::unexpected(passed.error());
    return line_.substr(start, at_ - start);
}

Result<void> JsonCursor::literal(std::string_view word) {
    if (line_.substr(at_, word.size()) != word) return broken("a JSON value");
    at_ += word.size();
    return {};
}

Result<void> JsonCursor::pass_value(int depth) {
    if (depth > k_depth_max) return broken("at most 64 levels of nesting");
    switch (kind()) {
        case JsonKind::text: return text(scratch_);
        case JsonKind::number: {
            const auto read = number();
            if (!read) return tl::unexpected(read.error());
            return {};
        }
        case JsonKind::array: return pass_members(depth, ']');
        case JsonKind::object: return pass_members(depth, '}');
        case JsonKind::null: return literal("null");
        case JsonKind::boolean: return literal(peek() == 't' ? "true" : "false");
        case JsonKind::nothing: break;
    }
    return broken("a JSON value");
}

Result<void> JsonCursor::pass_members(int depth, char close) {
    ++at_;
    pass_spaces();
    if (pass(close)) return {};
    for (;;) {
        pass_spaces();
        if (close == '}') {
            if (peek() != '"') return broken("a member's name in double quotes");
            if (auto read = text(scratch_); !read) return read;
            pass_spaces();
            if (!pass(':')) return broken("':' after the member's name");
            pass_spaces();
        }
        if (auto passed = pass_value(depth + 1); !passed) return passed;
        pass_spaces();
        if (pass(close)) return {};
        if (!pass(',')) return broken(close == '}' ? "',' or '}'" : "',' or ']'");
    }
}

}  // namespace replayd
