#include "replay/trace/text.hpp"

#include <algorithm>

namespace replayd {
namespace {

constexpr std::size_t k_shown_bytes_max = 60;

// Length of the UTF-8 sequence that `lead` begins, 0 for a byte that begins none.
std::size_t sequence_length(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead < 0xE0) return 2;
    if (lead >= 0xE0 && lead < 0xF0) return 3;
    if (lead >= 0xF0 && lead < 0xF5) return 4;
    return 0;
}

// The second byte of some sequences has a narrower range: overlong forms, surrogates, past U+10FFFF.
bool second_byte_fits(unsigned char lead, unsigned char second) {
    if (lead == 0xE0) return second >= 0xA0;
    if (lead == 0xED) return second < 0xA0;
    if (lead == 0xF0) return second >= 0x90;
    if (lead == 0xF4) return second < 0x90;
    return true;
}

}  // namespace

std::string quoted(std::string_view value) {
    constexpr std::string_view k_hex = "0123456789abcdef";
    std::string shown = "\"";
    for (const char c : value.substr(0, k_shown_bytes_max)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f) {
            shown += c;
        } else {
            shown += "\\x";
            shown += k_hex[byte >> 4U];
            shown += k_hex[byte & 0xfU];
        }
    }
    if (value.size() > k_shown_bytes_max) shown += "...";
    return shown + '"';
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = sequence_length(lead);
        if (length == 0 || text.size() - i < length) return false;
        const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; };
        const std::string_view rest = text.substr(i + 1, length - 1);
        if (!std::all_of(rest.begin(), rest.end(), continues)) return false;
        if (!rest.empty() && !second_byte_fits(lead, static_cast<unsigned char>(rest[0]))) return false;
        i += length;
    }
    return true;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

tl::unexpected<Error> wrong_value(std::string_view field, std::string_view value,
                               std::string_view expected) {
    std::string message(field);
    message += " is ";
    message += quoted(value);
    message += ": expected ";
    message += expected;
    return fail(Code::invalid_argument, std::move(message));
}

}  // namespace replayd
