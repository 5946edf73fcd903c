#include "daemon/net/target.hpp"

#include <algorithm>
#include <optional>

#include "daemon/net/quoted.hpp"

namespace replayd::net {
namespace {

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
    return std::nullopt;
}

tl::unexpected<Error> refuse(const std::string& part, std::string_view text, const std::string& why) {
    return fail(Code::invalid_argument, "the " + part + " " + net::quoted(text) + " of the request " + why);
}

Result<std::string> decode(const std::string& part, std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const auto high = i + 2 < text.size() ? hex_digit(text[i + 1]) : std::nullopt;
            const auto low = high ? hex_digit(text[i + 2]) : std::nullopt;
            if (!low) return refuse(part, text, "has a '%' without two hexadecimal digits: write '%' itself as %25");
            c = static_cast<char>(*high * 16 + *low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            return refuse(part, text, "holds a control character: expected printable text");
        }
        out += c;
    }
    if (!is_utf8(out)) return refuse(part, text, "is not UTF-8 once decoded: expected UTF-8");
    return out;
}

/// The path and query of "http://host/path?query"; empty for another scheme.
std::optional<std::string_view> without_authority(std::string_view text) {
    for (const std::string_view scheme : {"http://", "https://", "ws://", "wss://"}) {
        if (!text.starts_with(scheme)) continue;
        const std::size_t end = text.find_first_of("/?", scheme.size());
        return end == std::string_view::npos ? std::string_view() : text.substr(end);
    }
    return std::nullopt;
}

Result<void> parse_query(std::string_view text, std::map<std::string, std::string>& query) {
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        auto name = decode("query", pair.substr(0, equals), true);
        if (!name) return tl::unexpected<Error>(name.error());
        auto value = decode("query", equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
        if (!value) return tl::unexpected<Error>(value.error());
        query[std::move(*name)] = std::move(*value);
    }
    return {};
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
    if (text == "*") return Target{"*", {}};
    const std::string_view local = text.starts_with('/') ? text : without_authority(text).value_or("");
    if (local.empty() && !without_authority(text)) {
        return refuse("target", text, "is neither a path nor an address: expected a path such as /api/v1/runs");
    }
    if (local.find('#') != std::string_view::npos) {
        return refuse("target", text, "has a fragment: expected none, write '#' as %23");
    }
    const std::size_t question = local.find('?');
    auto path = decode("path", local.substr(0, question), false);
    if (!path) return tl::unexpected<Error>(path.error());
    Target target{path->empty() ? "/" : std::move(*path), {}};
    if (question != std::string_view::npos) {
        if (auto parsed = parse_query(local.substr(question + 1), target.query); !parsed) {
            return tl::unexpected<Error>(parsed.error());
        }
    }
    return target;
}

}  // namespace replayd::net
