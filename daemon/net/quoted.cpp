#include "daemon/net/quoted.hpp"

#include <cstdint>
#include <cstdio>

namespace replayd::net {
namespace {

struct Lead {
    std::size_t continuation = 0;  ///< bytes that follow
    std::uint32_t bits = 0;        ///< payload of the first byte
    std::uint32_t smallest = 0;    ///< below it the form is overlong
};

/// What the first byte of a multi-byte character says; `continuation` 0 for a byte that starts none.
Lead lead_of(unsigned char byte) {
    if ((byte & 0xe0) == 0xc0) return {1, byte & 0x1fu, 0x80};
    if ((byte & 0xf0) == 0xe0) return {2, byte & 0x0fu, 0x800};
    if ((byte & 0xf8) == 0xf0) return {3, byte & 0x07u, 0x10000};
    return {};
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Length of the well-formed multi-byte character at `at`, or 0.
std::size_t multibyte_length(std::string_view bytes, std::size_t at) {
    const Lead lead = lead_of(static_cast<unsigned char>(bytes[at]));
    if (lead.continuation == 0 || bytes.size() - at <= lead.continuation) return 0;
    std::uint32_t point = lead.bits;
    for (std::size_t i = 1; i <= lead.continuation; ++i) {
        if (!is_continuation(bytes[at + i])) return 0;
        point = (point << 6) | (static_cast<unsigned char>(bytes[at + i]) & 0x3fu);
    }
    const bool surrogate = point >= 0xd800 && point <= 0xdfff;
    return point < lead.smallest || point > 0x10ffff || surrogate ? 0 : lead.continuation + 1;
}

void append_escaped(std::string& out, const char* format, char c) {
    char text[8];
    std::snprintf(text, sizeof text, format, static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += text;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        if (static_cast<unsigned char>(bytes[at]) < 0x80) {
            ++at;
            continue;
        }
        const std::size_t length = multibyte_length(bytes, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && is_continuation(text[end])) --end;
    return text.substr(0, end);
}

std::string quoted(std::string_view text) {
    const std::string_view shown = cut_utf8(text, k_quoted_bytes_max);
    const bool readable = is_utf8(shown);
    std::string out = "\"";
    for (const char c : shown) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            append_escaped(out, "\\u%04x", c);
        } else if (byte >= 0x80 && !readable) {
            append_escaped(out, "\\x%02x", c);
        } else {
            out += c;
        }
    }
    out += shown.size() < text.size() ? "…\"" : "\"";
    return out;
}

}  // namespace replayd::net
