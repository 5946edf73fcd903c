#include "daemon/nats/names.hpp"

namespace replayd::nats {
namespace {

constexpr std::string_view k_digits = "0123456789ABCDEF";

bool stays(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

}  // namespace

std::string token_of(std::string_view name) {
    std::string token;
    for (const char c : name) {
        if (stays(c)) {
            token += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        token += {'=', k_digits[byte >> 4], k_digits[byte & 15]};
    }
    return token;
}

std::optional<std::string> name_of(std::string_view token) {
    std::string name;
    for (std::size_t i = 0; i < token.size(); ++i) {
        if (stays(token[i])) {
            name += token[i];
            continue;
        }
        if (token[i] != '=' || i + 2 >= token.size()) return std::nullopt;
        const std::size_t high = k_digits.find(token[i + 1]);
        const std::size_t low = k_digits.find(token[i + 2]);
        if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
        name += static_cast<char>(high << 4 | low);
        i += 2;
    }
    return name;
}

std::optional<std::string> Names::stream_of(std::string_view log) const {
    const std::string begin = prefix_ + "-log-";
    if (!log.starts_with(begin)) return std::nullopt;
    return name_of(log.substr(begin.size()));
}

}  // namespace replayd::nats
